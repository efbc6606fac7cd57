package samplebank

import (
	"compress/gzip"
	"embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"

	datav1 "sluice/gen/sluice/data/v1"
)

//go:embed data/*.gz
var files embed.FS

// Data is what all sample banks know. It is only read after Load and may be
// shared by them.
type Data struct {
	accounts  map[string]*account
	customers map[string][]*account // by customer, current accounts first
}

// account is one account, with days moved but not rolled on.
type account struct {
	id           string
	bank         int
	kind         datav1.AccountKind
	name, number string
	currency     string
	opened       day
	holders      []holder
	loan         *loan
	card         *card
	transactions []transaction // oldest first
	unusual      []int         // which of them are far above what came before
}

type holder struct {
	customer string
	role     datav1.HolderRole
}

type loan struct {
	principal, payment amount
	months             int
	granted            day
}

type card struct {
	number, product string
	issued          day
}

type transaction struct {
	id                string
	day               day
	amount, balance   amount
	kind              datav1.TransactionKind
	description       string
	bankCode, account string // the other side's
	merchant          string // for purchases
}

// Load reads the data that is built in.
func Load() (*Data, error) {
	d := &Data{accounts: map[string]*account{}, customers: map[string][]*account{}}
	for _, part := range []struct {
		what string
		load func() error
	}{
		{"transactions", d.loadTransactions},
		{"accounts", d.loadAccounts},
		{"holders", d.loadHolders},
		{"loans", d.loadLoans},
		{"cards", d.loadCards},
	} {
		if err := part.load(); err != nil {
			return nil, fmt.Errorf("load %s: %w", part.what, err)
		}
	}
	d.lookForUnusual()
	return d, nil
}

// rows calls f with each row of a table, its header left out.
func rows(name string, separator rune, f func(row []string) error) (err error) {
	file, err := files.Open("data/" + name + ".csv.gz")
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	r := csv.NewReader(unzipped)
	r.Comma, r.ReuseRecord = separator, true
	for header := true; ; header = false {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && !header {
			err = f(row)
		}
		if err != nil {
			line, _ := r.FieldPos(0)
			return fmt.Errorf("%s, line %d: %w", name, line, err)
		}
	}
}

// add gives an account to those who hold it.
func (d *Data) add(a *account) {
	d.accounts[a.id] = a
	for _, h := range a.holders {
		d.customers[h.customer] = append(d.customers[h.customer], a)
	}
}

// held is the customer's account with this id.
func (d *Data) held(customer, id string) (*account, bool) {
	i := slices.IndexFunc(d.customers[customer], func(a *account) bool { return a.id == id })
	if i < 0 {
		return nil, false
	}
	return d.customers[customer][i], true
}
