// Times in the reader's own zone and words. The server wrote them in UTC.
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

function words(moment) {
  const seconds = Math.round((moment - Date.now()) / 1000);
  if (Math.abs(seconds) < 60) return relative.format(seconds, "second");
  if (Math.abs(seconds) < 3600) return relative.format(Math.round(seconds / 60), "minute");
  if (Math.abs(seconds) < 86400) return relative.format(Math.round(seconds / 3600), "hour");
  return short.format(moment);
}

export function localTimes(root) {
  for (const element of root.querySelectorAll("time[data-local]")) {
    const moment = new Date(element.dateTime);
    if (Number.isNaN(moment.getTime())) continue;
    element.title = full.format(moment);
    element.textContent = element.dataset.local === "full" ? full.format(moment) : words(moment);
  }
}
// Moments that are typed: in the reader's zone here, in UTC on the way to the server. (Without this the label says UTC.)
export function localMoments(root) {
  for (const input of root.querySelectorAll("input[data-moment]")) {
    const moment = new Date(`${input.value}Z`);
    if (!Number.isNaN(moment.getTime())) {
      input.value = new Date(moment.getTime() - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
    }
    input.labels[0]?.querySelector("[data-zone]")?.remove();
    input.form?.addEventListener("formdata", ({ formData }) => {
      const typed = new Date(formData.get(input.name));
      if (!Number.isNaN(typed.getTime())) formData.set(input.name, typed.toISOString());
    });
  }
}

setInterval(() => localTimes(document), 30000);
