package samplebank

import (
	"fmt"
	"strconv"
	"strings"

	datav1 "sluice/gen/sluice/data/v1"
)

// horizon is the last day of the transactions there are; cards and loans of
// later days are not known yet.
const horizon = newest

// loadTransactions also makes the current accounts: only those that have any.
func (d *Data) loadTransactions() error {
	return rows("berka-trans-1993-1994q1", ';', func(r []string) error {
		t, err := berkaTransaction(r)
		if err != nil {
			return err
		}
		a, err := d.current(r[1])
		if err != nil {
			return err
		}
		a.transactions = append(a.transactions, t)
		return nil
	})
}

func (d *Data) current(number string) (*account, error) {
	if a, ok := d.accounts["A"+number]; ok {
		return a, nil
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	bank := n % len(banks)
	a := &account{
		id: "A" + number, bank: bank, kind: datav1.AccountKind_ACCOUNT_KIND_CURRENT, name: "Current account",
		number: iban(banks[bank].code, n), currency: "CZK",
	}
	d.accounts[a.id] = a
	return a, nil
}

// Columns: trans_id, account_id, date, type, operation, amount, balance, k_symbol, bank, account.
func berkaTransaction(r []string) (transaction, error) {
	on, err := parseBerkaDay(r[2])
	if err != nil {
		return transaction{}, err
	}
	a, err := parseAmount(r[5])
	if err != nil {
		return transaction{}, err
	}
	balance, err := parseAmount(r[6])
	if err != nil {
		return transaction{}, err
	}
	if r[3] != "PRIJEM" { // not credited
		a = -a
	}
	kind, description := meaning(r[4], strings.TrimSpace(r[7]))
	return transaction{
		id: "T" + r[0], day: on, amount: a, balance: balance, kind: kind, description: description,
		bankCode: strings.Clone(r[8]), account: strings.Clone(r[9]),
	}, nil
}

// meaning reads the bank's Czech codes. What the money was for says more than
// how it moved.
func meaning(operation, symbol string) (datav1.TransactionKind, string) {
	switch symbol {
	case "UROK":
		return datav1.TransactionKind_TRANSACTION_KIND_INTEREST, "Interest credited"
	case "SANKC. UROK":
		return datav1.TransactionKind_TRANSACTION_KIND_PENALTY_INTEREST, "Penalty interest"
	case "SLUZBY":
		return datav1.TransactionKind_TRANSACTION_KIND_FEE, "Payment for statement"
	case "UVER":
		return datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT, "Loan payment"
	}
	purpose := ""
	switch symbol {
	case "POJISTNE":
		purpose = ", insurance"
	case "SIPO":
		purpose = ", household"
	case "DUCHOD":
		purpose = ", pension"
	}
	switch operation {
	case "VKLAD":
		return datav1.TransactionKind_TRANSACTION_KIND_CASH_DEPOSIT, "Cash deposit" + purpose
	case "PREVOD Z UCTU":
		return datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_IN, "Transfer from another bank" + purpose
	case "PREVOD NA UCET":
		return datav1.TransactionKind_TRANSACTION_KIND_TRANSFER_OUT, "Transfer to another bank" + purpose
	case "VYBER KARTOU":
		return datav1.TransactionKind_TRANSACTION_KIND_CASH_WITHDRAWAL, "Cash withdrawal by card"
	case "VYBER":
		return datav1.TransactionKind_TRANSACTION_KIND_CASH_WITHDRAWAL, "Cash withdrawal" + purpose
	}
	return datav1.TransactionKind_TRANSACTION_KIND_UNSPECIFIED, ""
}

// Columns: account_id, district_id, frequency, date.
func (d *Data) loadAccounts() error {
	return rows("berka-account", ';', func(r []string) error {
		a, ok := d.accounts["A"+r[0]]
		if !ok {
			return nil
		}
		var err error
		a.opened, err = parseBerkaDay(r[3])
		return err
	})
}

// Columns: disp_id, client_id, account_id, type.
func (d *Data) loadHolders() error {
	return rows("berka-disp", ';', func(r []string) error {
		a, ok := d.accounts["A"+r[2]]
		if !ok {
			return nil
		}
		h := holder{customer: strings.Clone(r[1]), role: datav1.HolderRole_HOLDER_ROLE_OWNER}
		if r[3] == "DISPONENT" {
			h.role = datav1.HolderRole_HOLDER_ROLE_AUTHORIZED_USER
		}
		a.holders = append(a.holders, h)
		d.customers[h.customer] = append(d.customers[h.customer], a)
		return nil
	})
}

// owners are those who hold the account and not only use it.
func (a *account) owners() []holder {
	var out []holder
	for _, h := range a.holders {
		if h.role == datav1.HolderRole_HOLDER_ROLE_OWNER {
			out = append(out, h)
		}
	}
	return out
}

// Columns: loan_id, account_id, date, amount, duration, payments, status.
func (d *Data) loadLoans() error {
	return rows("berka-loan", ';', func(r []string) error {
		granted, err := parseBerkaDay(r[2])
		if err != nil || granted > horizon {
			return err
		}
		payer, ok := d.accounts["A"+r[1]]
		if !ok {
			return nil
		}
		l := &loan{granted: granted}
		if l.principal, err = parseAmount(r[3]); err != nil {
			return err
		}
		if l.payment, err = parseAmount(r[5]); err != nil {
			return err
		}
		if l.months, err = strconv.Atoi(r[4]); err != nil {
			return fmt.Errorf("duration: %w", err)
		}
		number, err := strconv.Atoi(r[0])
		if err != nil {
			return fmt.Errorf("loan: %w", err)
		}
		d.add(&account{
			id: "L" + r[0], bank: payer.bank, kind: datav1.AccountKind_ACCOUNT_KIND_LOAN,
			name: fmt.Sprintf("Loan over %d months", l.months), number: loanNumber(number), currency: "CZK",
			opened: granted, holders: payer.owners(), loan: l, transactions: loanTransactions(r[0], l, payer),
		})
		return nil
	})
}

// loanTransactions is the loan's side of what the payer's account shows: it was
// paid out, and each payment made the debt smaller.
func loanTransactions(number string, l *loan, payer *account) []transaction {
	owed := -l.principal
	out := []transaction{{
		id: "LP" + number, day: l.granted, amount: owed, balance: owed,
		kind: datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYOUT, description: "Loan paid out",
	}}
	for _, t := range payer.transactions {
		if t.kind == datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT && t.day >= l.granted {
			owed -= t.amount
			out = append(out, transaction{
				id: "L" + t.id, day: t.day, amount: -t.amount, balance: owed,
				kind: datav1.TransactionKind_TRANSACTION_KIND_LOAN_PAYMENT, description: "Loan payment",
			})
		}
	}
	return out
}
