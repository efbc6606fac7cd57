// Package masking finds, in what people write to each other, numbers of
// accounts and cards and one-time codes, and masks them. It sees through odd
// spellings: digits of other scripts, digits as words in English and
// Lithuanian, letters in the place of digits, and separators between them. Where
// it is not sure, it masks: an amount or a reference that looks like a number of
// an account may leave masked as well.
//
// It is pure. It does not keep a secret from somebody who wants it told: whoever
// means to can always find words for it.
package masking
