// Package spending says what money was spent on, from the transactions a bank
// released: payments in groups by kind of goods, each currency apart.
//
// Guarantees: money is added exactly, and nothing is lost or counted twice: the
// groups add up to all that left the account in the period less what was refunded.
// A payment it can't place is Other; it never guesses by amount or time.
//
// It never reads balances, keeps nothing, and knows neither banks nor partners.
package spending
