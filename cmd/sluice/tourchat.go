package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"time"

	"sluice/reference/samplebank"
)

// chatting is a customer's day in the messenger: his browser, in which his consents
// are in a page of their own, and the one of an agent at his bank. Neither has
// scripts.
type chatting struct {
	customer, agent *browser
	money, service  string // the consents
}

func newChatting(roots *x509.CertPool) (*chatting, error) {
	customer, err := newBrowser(roots)
	if err != nil {
		return nil, err
	}
	agent, err := newBrowser(roots)
	if err != nil {
		return nil, err
	}
	return &chatting{customer: customer, agent: agent}, nil
}

func (t *tour) connecting() {
	t.chapter("A customer's day in the chat: he connects his bank")
	t.step("The messenger sends him to his consent page", t.connect)
	t.step("He logs in at his bank, and sees who wants what", t.logIn)
	t.step("He gives the balances of two accounts", t.giveMoney)
	t.step("He lets the bank warn him and talk to him, which is a consent of its own", t.giveService)
}

func (t *tour) connect() (string, error) {
	b := t.chat.customer
	if err := b.open(t.ctx, t.target.chat+"/connect"); err != nil {
		return "", err
	}
	if err := b.follow(t.ctx, "/connect/"+tourBank+"/money"); err != nil {
		return "", err
	}
	return b.sees("Messenger Chat asks to see your account data")
}

func (t *tour) logIn() (string, error) {
	b := t.chat.customer
	if err := b.follow(t.ctx, "/login/"+tourBank); err != nil {
		return "", err
	}
	if err := b.send(t.ctx, "login", url.Values{
		"customer": {tourCustomer}, "password": {samplebank.Password}, "code": {samplebank.Code},
	}); err != nil {
		return "", err
	}
	return b.sees("for this purpose only: not for advertising, not for sale")
}

func (t *tour) giveMoney() (string, error) {
	said, err := t.give("ACCOUNT_BASIC:"+tourCurrent, "BALANCES:"+tourCurrent, "ACCOUNT_BASIC:"+tourCard, "BALANCES:"+tourCard)
	t.chat.money = path.Base(t.chat.customer.at.Path)
	return said, err
}

func (t *tour) giveService() (string, error) {
	if err := t.chat.customer.follow(t.ctx, "/connect/"+tourBank+"/service"); err != nil {
		return "", err
	}
	said, err := t.give("ACCOUNT_BASIC:"+tourCurrent, "CONVERSATIONS:"+tourCurrent, "FRAUD_ALERTS:"+tourCurrent)
	t.chat.service = path.Base(t.chat.customer.at.Path)
	return said, err
}

// give gives what is asked for on the page as far as it is named, and goes back to
// the messenger, which gets its token.
func (t *tour) give(shares ...string) (string, error) {
	b := t.chat.customer
	if err := b.send(t.ctx, "do=give", url.Values{"share": shares}); err != nil {
		return "", err
	}
	if err := b.follow(t.ctx, "#continue"); err != nil {
		return "", err
	}
	if _, err := b.sees("Banka Morava is connected"); err != nil {
		return "", err
	}
	return path.Base(b.at.Path) + ": " + strings.Join(shares, " "), nil
}

func (t *tour) asking() {
	t.chapter("He asks")
	t.step("\"How much do I have?\"", t.howMuch)
	t.step("\"Who won the match?\": it says that it does not know", t.doesNotKnow)
	t.step("His dashboard shows what was read for that", t.dashboard)
}

// ask asks the messenger, and looks for the answer.
func (t *tour) ask(question string) error {
	if err := t.chat.customer.open(t.ctx, t.target.chat+"/"); err != nil {
		return err
	}
	return t.chat.customer.send(t.ctx, "/ask", url.Values{"text": {question}})
}

func (t *tour) howMuch() (string, error) {
	if err := t.ask("How much do I have?"); err != nil {
		return "", err
	}
	b := t.chat.customer
	answer := b.part("log")
	for _, account := range []string{tourCurrentEnds, tourCardEnds} {
		if !strings.Contains(answer, account) {
			return "", fmt.Errorf("the answer has nothing of %s: %q", account, answer)
		}
	}
	return lines(b.parts("log", "tr", "")...), nil
}

func (t *tour) doesNotKnow() (string, error) {
	if err := t.ask("Who won the match?"); err != nil {
		return "", err
	}
	if _, err := t.chat.customer.sees("Send this question to Banka Morava"); err != nil {
		return "", err
	}
	return t.chat.customer.sees("I do not know the answer to that. A person at your bank can help.")
}

func (t *tour) dashboard() (string, error) {
	b := t.chat.customer
	if err := b.open(t.ctx, t.target.pages+"/consents/"+t.chat.money); err != nil {
		return "", err
	}
	if _, err := b.sees("Messenger Chat"); err != nil {
		return "", err
	}
	read := b.parts("disclosures", "li", "")
	if len(read) == 0 {
		return "", errors.New("the dashboard does not show that anything was read")
	}
	return lines(read...), nil
}

// lines are what a step says, one below the other.
func lines(said ...string) string { return strings.Join(said, "\n      ") }

// sees is a step's end: the page must say something.
func (b *browser) sees(text string) (string, error) {
	if said := b.text(); !strings.Contains(said, text) {
		return "", fmt.Errorf("the page %s (%d) does not say %q, but %q", b.at.Path, b.status, text, said) //nolint:err113 // for a person
	}
	return text, nil
}

// arrives is how long news may take to a page, which looks so often.
const (
	arrives = 10 * time.Second
	looks   = 20 * time.Millisecond
)

// await looks at a page until it says something.
func (b *browser) await(ctx context.Context, address, text string) error {
	deadline := time.Now().Add(arrives)
	for {
		if err := b.open(ctx, address); err != nil {
			return err
		}
		_, err := b.sees(text)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		if err := wait(ctx, looks); err != nil {
			return err
		}
	}
}
