"""The documents that ScaiDrive holds from the start, in every tenant: path, title, text."""

from __future__ import annotations

DOCUMENTS = (
    (
        "support/refunds.md",
        "Refund policy",
        "A refund is possible within 30 days of the purchase. Send the order number to support and the money is back "
        "on the original payment method within five working days. Charged twice? The second charge is always refunded.",
    ),
    (
        "support/shipping.md",
        "Shipping and delivery",
        "Parcels leave the warehouse on the day of the order and a delivery takes two to four working days. Track a "
        "parcel with the tracking number of the shipping mail. Express shipping arrives on the next working day.",
    ),
    (
        "support/password.md",
        "Reset your password",
        "To reset a forgotten password choose 'Forgot password' on the login page. The link in the mail is valid for "
        "one hour. After five wrong logins the account is locked for fifteen minutes.",
    ),
    (
        "support/opening-hours.md",
        "Opening hours",
        "Our support is open Monday to Friday from 9:00 to 18:00. On weekends and holidays the chat is open from 10:00 "
        "to 16:00, the phone is closed.",
    ),
    (
        "support/damaged-goods.md",
        "Damaged or broken goods",
        "A product that arrived damaged or broken is replaced free of charge. Send a photo of the damage within 14 "
        "days; the replacement leaves the warehouse on the same day.",
    ),
    (
        "support/invoices.md",
        "Invoices",
        "Download an invoice as PDF under Account, Orders, Invoice. To change the billing address or the VAT number "
        "of an invoice write to billing with the order number.",
    ),
    (
        "support/subscription.md",
        "Cancel or change a subscription",
        "Cancel a subscription at any time under Account, Subscription; it stays active until the end of the paid "
        "month. Upgrade or downgrade the plan in the same place.",
    ),
    (
        "finance/expense-policy.md",
        "Expense policy",
        "Expenses up to 500 EUR are approved without a review when a receipt is attached. Anything above needs a "
        "manager. Alcohol, gifts and fines are never reimbursed.",
    ),
    (
        "finance/travel-policy.md",
        "Travel policy",
        "Book trains in second class and flights in economy. Hotels cost at most 160 EUR a night. A taxi is paid when "
        "there is no public transport or after 22:00.",
    ),
    (
        "it/vpn.md",
        "VPN access",
        "Install the VPN client from the software centre and sign in with your company account. If the VPN connection "
        "drops, restart the client before you call the service desk.",
    ),
    (
        "it/laptops.md",
        "Laptops and hardware",
        "A new laptop is ordered through the service desk and arrives within a week. A lost or stolen laptop is "
        "reported to security at once, so that it can be locked.",
    ),
    (
        "hr/vacation.md",
        "Vacation and leave",
        "Every employee has 30 days of vacation a year. Ask for leave at least two weeks ahead; the team lead "
        "approves it. Sick leave needs a doctor's note from the third day on.",
    ),
)
