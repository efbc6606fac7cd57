// Package pages tests the customer's pages as a customer meets them: in a real
// Chromium, against the built program, sample banks and a partner that reads
// meanwhile. What is seen on every page is checked on every page: no error in the
// console, nothing that the page's own policy stopped, no text without words,
// nothing wider than a phone.
//
// The reference messenger and the agents' desk of a sample bank are met the same
// way: a day of a customer's in three browsers, and each page of both.
//
// What happens while the policy or Redis is down is tested where there are several
// replicas (e2e/chaos); here a bank is.
//
// It needs chromium, and axe-core from npm; deploy/chromium.sh gets both. Without
// them the tests are left out, unless SLUICE_TEST_ALL is set. Screenshots are
// written to the folder that SLUICE_SCREENSHOTS names.
package pages
