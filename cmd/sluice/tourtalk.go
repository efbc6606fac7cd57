package main

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// What is written in the tour, and what of it arrives.
const (
	tourAgent        = "Jana"
	tourCardNumber   = "4111 1111 1111 1111"
	tourCardMasked   = "•••• •••• •••• 1111"
	tourQuestion     = "My card " + tourCardNumber + " was refused in a shop. Why?"
	tourIBAN         = "CZ65 0800 0000 1920 0014 5399"
	tourReply        = "It was past the limit of the day. Pay the shop from " + tourIBAN + " meanwhile."
	tourReplyArrives = "It was past the limit of the day."
)

func (t *tour) talking() {
	t.chapter("He talks to his bank")
	t.step("He writes, with a card's number in it; the bank's program answers at once", t.write)
	t.step("The bank's agent sees it masked, and under which consent", t.agentReads)
	t.step("The agent answers, with an account's number in it: the chat has it masked", t.agentAnswers)
}

// write writes to the bank, and waits for its program's answer.
func (t *tour) write() (string, error) {
	b := t.chat.customer
	talk := t.target.chat + "/talk/" + t.chat.service
	if err := b.open(t.ctx, talk); err != nil {
		return "", err
	}
	if err := b.send(t.ctx, "/talk/", url.Values{"text": {tourQuestion}}); err != nil {
		return "", err
	}
	if err := b.await(t.ctx, talk, "automatic assistant"); err != nil {
		return "", err
	}
	if strings.Contains(b.text(), tourCardNumber) {
		return "", errors.New("the chat has the card's number as it was written")
	}
	return lines(b.parts("log", "p", "words")...), nil
}

// agentReads opens what waits at the desk, as somebody who works there.
func (t *tour) agentReads() (string, error) {
	b := t.chat.agent
	if err := b.open(t.ctx, t.target.desk+"/sign-in"); err != nil {
		return "", err
	}
	if err := b.send(t.ctx, "#sign-in", url.Values{"agent": {tourAgent}}); err != nil {
		return "", err
	}
	if err := b.follow(t.ctx, "/conversations/cv_"); err != nil {
		return "", err
	}
	// The bank looks the consent up before anything can be written.
	if err := b.await(t.ctx, b.at.String(), "Your answer"); err != nil {
		return "", err
	}
	said := b.part("transcript")
	if strings.Contains(b.text(), tourCardNumber) || !strings.Contains(said, tourCardMasked) {
		return "", fmt.Errorf("the bank has %q", said)
	}
	if !strings.Contains(b.part("consent"), t.chat.service) {
		return "", fmt.Errorf("the desk shows the consent %q", b.part("consent"))
	}
	return lines(b.parts("transcript", "p", "text")[0], t.chat.service+" is "+b.part("consent-status")), nil
}

func (t *tour) agentAnswers() (string, error) {
	if err := t.chat.agent.send(t.ctx, "#send", url.Values{"text": {tourReply}}); err != nil {
		return "", err
	}
	b := t.chat.customer
	if err := b.await(t.ctx, t.target.chat+"/talk/"+t.chat.service, tourReplyArrives); err != nil {
		return "", err
	}
	if strings.Contains(b.text(), tourIBAN) || !strings.Contains(b.part("log"), tourAgent) {
		return "", fmt.Errorf("the chat has %q", b.part("log"))
	}
	said := b.parts("log", "p", "words")
	return tourAgent + ": " + said[len(said)-1], nil
}

func (t *tour) alerting() {
	t.chapter("The bank asks him")
	t.step("The agent asks about a payment; the chat shows a card", t.alertAppears)
	t.step("He taps \"It was me\"; the bank has it", t.alertAnswered)
}

// alertAppears has the agent raise an alert about the newest payment of the account.
func (t *tour) alertAppears() (string, error) {
	b := t.chat.agent
	if err := b.follow(t.ctx, "#to-alert"); err != nil {
		return "", err
	}
	payment := ""
	for _, choice := range elements(b.page, "input") {
		if id := attribute(choice, "value"); payment == "" && strings.HasPrefix(id, tourCurrent+" ") && !has(choice, "disabled") {
			payment = id
		}
	}
	if err := b.send(t.ctx, "#raise", url.Values{"payment": {payment}}); err != nil {
		return "", err
	}
	if err := t.chat.customer.await(t.ctx, t.target.chat+"/", "Was this you?"); err != nil {
		return "", err
	}
	b = t.chat.customer
	return lines(b.part("alerts")), nil
}

func (t *tour) alertAnswered() (string, error) {
	if err := t.chat.customer.send(t.ctx, "choice=WAS_ME", nil); err != nil {
		return "", err
	}
	if _, err := t.chat.customer.sees("Your answer has reached the bank: It was me"); err != nil {
		return "", err
	}
	got, err := t.answer()
	if err != nil {
		return "", err
	}
	if got.Account != tourCurrent || got.Choice != "WAS_ME" || got.Partner != demoChat {
		return "", fmt.Errorf("the bank has %+v", got)
	}
	if err := t.chat.agent.open(t.ctx, t.target.desk+"/engagement"); err != nil {
		return "", err
	}
	if n := t.chat.agent.part("answered"); n == "" || n == "0" {
		return "", fmt.Errorf("the bank counts %q answers", n)
	}
	return fmt.Sprintf("%s of %s: %s, by %s, confirmed as %s", got.Alert, got.Account, got.Choice, got.Partner, got.Confirmation), nil
}

func (t *tour) takingBack() {
	t.chapter("He shares less, and then nothing")
	t.step("On his dashboard he leaves one account: the chat's answer has one", t.shareLess)
	t.step("He takes back what lets the bank talk to him, in two clicks: the chat says so", t.takeBackTalk)
	t.step("The conversation is closed at the bank too", t.closedAtBank)
	t.step("He takes back the rest: the chat holds nothing", t.takeBackAll)
}

func (t *tour) shareLess() (string, error) {
	b := t.chat.customer
	if err := b.open(t.ctx, t.target.pages+"/consents/"+t.chat.money+"/narrow"); err != nil {
		return "", err
	}
	if err := b.send(t.ctx, "#narrow", url.Values{"share": {"ACCOUNT_BASIC:" + tourCurrent, "BALANCES:" + tourCurrent}}); err != nil {
		return "", err
	}
	if err := b.await(t.ctx, t.target.chat+"/", "You share less now."); err != nil {
		return "", err
	}
	if err := t.askAnew("How much do I have?"); err != nil {
		return "", err
	}
	answer := b.part("log")
	if !strings.Contains(answer, tourCurrentEnds) || strings.Contains(answer, tourCardEnds) {
		return "", fmt.Errorf("the chat has %q", answer)
	}
	return lines(b.parts("log", "tr", "")...), nil
}

// askAnew asks while a change is on its way, of which the messenger says so.
func (t *tour) askAnew(question string) error {
	const changing = "what you share has just changed. Please ask again."
	for before := 0; ; {
		if err := t.ask(question); err != nil {
			return err
		}
		times := strings.Count(t.chat.customer.part("log"), changing)
		if times == before {
			return nil
		}
		if before = times; times > mostAnew {
			return errors.New("what is shared changes all the time")
		}
	}
}

// mostAnew is how often a change may be on its way.
const mostAnew = 20

// takeBack takes a consent back on the customer's pages.
func (t *tour) takeBack(id string) error {
	b := t.chat.customer
	if err := b.open(t.ctx, t.target.pages+"/consents/"+id+"/revoke"); err != nil {
		return err
	}
	if err := b.send(t.ctx, "#revoke-confirm", nil); err != nil {
		return err
	}
	_, err := b.sees("It is effective everywhere")
	return err
}

func (t *tour) takeBackTalk() (string, error) {
	if err := t.takeBack(t.chat.service); err != nil {
		return "", err
	}
	b := t.chat.customer
	if err := b.await(t.ctx, t.target.chat+"/talk/"+t.chat.service, "This conversation is closed"); err != nil {
		return "", err
	}
	if said := b.part("log"); said != "" {
		return "", fmt.Errorf("the chat still has %q", said)
	}
	return b.part("state"), nil
}

func (t *tour) closedAtBank() (string, error) {
	b := t.chat.agent
	if err := b.open(t.ctx, t.target.desk+"/"); err != nil {
		return "", err
	}
	if err := b.follow(t.ctx, "/conversations/cv_"); err != nil {
		return "", err
	}
	if err := b.await(t.ctx, b.at.String(), "by the end of the consent"); err != nil {
		return "", err
	}
	return b.part("ended") + ". " + b.part("why"), nil
}

func (t *tour) takeBackAll() (string, error) {
	if err := t.takeBack(t.chat.money); err != nil {
		return "", err
	}
	b := t.chat.customer
	if err := b.await(t.ctx, t.target.chat+"/", "See my money. This has ended: it was taken back."); err != nil {
		return "", err
	}
	if said := b.part("log"); strings.Contains(said, tourCurrentEnds) {
		return "", fmt.Errorf("the chat still has %q", said)
	}
	if err := b.open(t.ctx, t.target.chat+"/holds"); err != nil {
		return "", err
	}
	if held := b.part("held"); !strings.HasPrefix(held, "Nothing.") {
		return "", fmt.Errorf("the chat holds %q", held)
	}
	return "What this chat holds: " + b.part("held"), nil
}
