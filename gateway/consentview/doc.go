// Package consentview shows a consent to its readers, each as that reader may
// see it: a bank and its customer with the bank's own ids, a partner with
// pairwise account ids and without customers, whether the consent's own or its
// co-holders. It reads lists and events a page at a time, with tokens that
// serve their caller only. Its tests are those of all doors that show consents.
package consentview
