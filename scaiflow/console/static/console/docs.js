// Swagger UI, started from a file: the page's policy allows no inline script.
"use strict";
const place = document.getElementById("reference");
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: false, // its links stand inside of buttons: nobody with a keyboard or a screen reader finds through that
  displayRequestDuration: true,
  validatorUrl: null,
  persistAuthorization: false,
});
