// Package holdings is what a customer has at a bank, and who else holds it: the
// accounts to choose from when a consent is given, each with everybody who must
// be heard before it is shared.
//
// What a bank answers is believed in nothing: an account whose holders are not
// known for certain is left out, since sharing it might pass somebody over; an
// answer that contradicts itself is refused whole. Account numbers are masked
// here, so that no page can show one by mistake. Names are cut to one line of
// plain text, but are still the bank's words: a page must escape them.
//
// The bank in its tests is bank/banktest.
package holdings
