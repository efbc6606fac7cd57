// Package consentview shows a consent to its readers, each as that reader may
// see it: a bank and its customer with the bank's own ids, a partner with
// pairwise account ids and without the customer.
package consentview
