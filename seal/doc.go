// Package seal keeps text that nobody without the key can read, change or pass
// off for another's: AES-256-GCM, with what the text belongs to as authenticated
// data.
package seal
