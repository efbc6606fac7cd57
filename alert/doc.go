// Package alert takes customers' answers to their banks' fraud alerts, and sees
// to it that each reaches the bank, once.
//
// An answer is permitted by the gate, held against the alert as the bank has it,
// and kept under a fence: in the transaction that keeps it the consent is still
// as the gate saw it. Only what is kept is told to the bank, and it is told
// until the bank takes it or refuses it for good, over crashes and outages; the
// bank knows by the answer's id what it has. An alert has one answer, whoever of
// its account's customers gives it first: the same again answers the same, and
// any other is refused.
//
// An answer that was kept is carried though the consent ends afterwards: the
// customer gave it. The partner's confirmation is sealed while it waits, and
// erased with the bank's word; what stays is its hash.
//
// alert/alertdb keeps answers in SQL.
package alert
