// Package web is the customer's pages: giving consent, seeing what became of it,
// taking it back.
//
// Everything is rendered here and works without scripts. A customer is who their
// bank says they are, for as long as the browser's session lasts; one session may
// hold several banks' word. Every change is a POST with a token that only this
// session's pages carry, and goes through consent.Book as the customer of that
// bank, which alone decides what is theirs. Consents that are not theirs and
// consents that do not exist are the same page.
//
// Revoking asks neither bank nor policy engine nor cache. Where a bank does not
// answer, accounts are shown by their ids, masked; nothing can be given then.
// What others wrote, e.g. a partner's name, is shown without characters that
// hide or reorder text, and set apart. The package never shows why something
// failed inside, and never tells a co-holder of a consent that is hidden from
// them: neither by a page nor by a difference between two.
//
// No answer to a form leads away from here: browsers hold form-action against
// redirects too, so pages that send the browser to a bank or an app do so by a
// link or a refresh, never by the answer to a POST.
//
// Sessions and logins under way are kept by a Sessions, in SQL by webdb. The
// tests have fakes of the bank, the login and the records.
package web
