package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"sluice/reference/samplebank"
)

// pages walks through what a customer does in a browser, with one that has no
// scripts.
func (t *tour) pages() {
	t.chapter("The customer's own pages")
	t.step("Messenger sends the customer to his consent page", t.connect)
	t.step("He logs in at his bank, and sees who wants what", t.logIn)
	t.step("He gives the balance of one account; Messenger gets a token and pulls", t.give)
	t.step("His dashboard shows it", t.dashboard)
	t.step("He takes it back, in two clicks", t.takeBack)
	t.step("Messenger pulls again", t.refused("CONSENT_REVOKED", t.balances))
}

func (t *tour) connect() (string, error) {
	if err := t.browser.open(t.ctx, t.target.site+"/connect/"+tourBank); err != nil {
		return "", err
	}
	return t.sees("who-asks", "Messenger asks to see your account data")
}

func (t *tour) logIn() (string, error) {
	if err := t.browser.follow(t.ctx, "/login/"+tourBank); err != nil {
		return "", err
	}
	if err := t.browser.send(t.ctx, "login", url.Values{
		"customer": {tourCustomer}, "password": {samplebank.Password}, "code": {samplebank.Code},
	}); err != nil {
		return "", err
	}
	return t.sees("ask", "for this purpose only: not for advertising, not for sale")
}

func (t *tour) give() (string, error) {
	if err := t.browser.send(t.ctx, "do=give", url.Values{
		"share": {"ACCOUNT_BASIC:" + tourCurrent, "BALANCES:" + tourCurrent},
	}); err != nil {
		return "", err
	}
	if err := t.browser.follow(t.ctx, "#continue"); err != nil {
		return "", err
	}
	text := t.browser.text()
	id := consentIn(text)
	if id == "" {
		return "", fmt.Errorf("messenger's site says %q", text) //nolint:err113 // for a person
	}
	t.consent = id
	return text, nil
}

func consentIn(text string) string {
	for word := range strings.FieldsSeq(text) {
		if id := strings.TrimRight(word, "."); strings.HasPrefix(id, "con_") {
			return id
		}
	}
	return ""
}

func (t *tour) dashboard() (string, error) {
	if err := t.browser.open(t.ctx, t.target.pages+"/"); err != nil {
		return "", err
	}
	if !strings.Contains(t.browser.text(), "Read 1 time in 30 days") {
		return "", errors.New("the dashboard does not show that it was read")
	}
	return "Banka Morava, Messenger: sharing, read once", nil
}

func (t *tour) takeBack() (string, error) {
	if err := t.browser.open(t.ctx, t.target.pages+"/consents/"+t.consent+"/revoke"); err != nil {
		return "", err
	}
	if err := t.browser.send(t.ctx, "#revoke-confirm", nil); err != nil {
		return "", err
	}
	return t.sees("revoked", "It is effective everywhere")
}

// sees is a step's end: the page must say something.
func (t *tour) sees(page, text string) (string, error) {
	said := t.browser.text()
	i := strings.Index(said, text)
	if i < 0 {
		return "", fmt.Errorf("the page %s (%d) does not say %q, but %q", page, t.browser.status, text, said) //nolint:err113 // for a person
	}
	return text, nil
}
