package e2e

import (
	"bufio"
	"bytes"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"sluice/authn"
	"sluice/bank"
	bankv1 "sluice/gen/sluice/bank/v1"
	consentv1 "sluice/gen/sluice/consent/v1"
	customerv1 "sluice/gen/sluice/customer/v1"
	datav1 "sluice/gen/sluice/data/v1"
	operatorv1 "sluice/gen/sluice/operator/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

const (
	fraudAlerts = datav1.DataCluster_DATA_CLUSTER_FRAUD_ALERTS
	cards       = datav1.DataCluster_DATA_CLUSTER_CARDS
	wasMe       = datav1.AlertChoice_ALERT_CHOICE_WAS_ME
	notMe       = datav1.AlertChoice_ALERT_CHOICE_NOT_ME
	blockCard   = datav1.AlertChoice_ALERT_CHOICE_BLOCK_CARD
)

// serveSampleBank runs a sample bank as a process of its own, and registers it.
func (h *house) serveSampleBank(id string) {
	h.t.Helper()
	process := exec.Command(program, "samplebank", id, "--data", h.dir)
	out, err := process.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
	})
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		h.t.Fatal(err)
	}
	ops := operatorv1.NewRegistryServiceClient(h.dial(authn.Operator, "ops"))
	if _, err := ops.RegisterBank(h.ctx(), &operatorv1.RegisterBankRequest{BankId: id, DisplayName: id, Address: strings.TrimSpace(address)}); err != nil {
		h.t.Fatal(err)
	}
}

// agreeAt makes a customer of a bank share these kinds of one account.
func (h *house) agreeAt(bankID, customer, account string, kinds ...datav1.DataCluster) string {
	h.t.Helper()
	asked, err := partnerv1.NewConsentServiceClient(h.dial(authn.Partner, "messenger")).RequestConsent(h.ctx(), &partnerv1.RequestConsentRequest{
		BankId: bankID, Terms: &consentv1.Terms{
			Clusters: kinds, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW, PurposeText: "Ask you about odd payments",
			ValidUntil: timestamppb.New(time.Now().AddDate(0, 3, 0)), UnattendedPerDay: 4,
		},
	})
	if err != nil {
		h.t.Fatal(err)
	}
	id := asked.GetConsent().GetConsentId()
	if _, err := customerv1.NewConsentServiceClient(h.dial(authn.Bank, bankID)).AuthorizeConsent(h.ctx(), &customerv1.AuthorizeConsentRequest{
		CustomerId: customer, ConsentId: id, Shares: []*consentv1.Share{{AccountId: account, Clusters: kinds}},
	}); err != nil {
		h.t.Fatal(err)
	}
	return id
}

func (h *house) alerts() partnerv1.AlertServiceClient {
	return partnerv1.NewAlertServiceClient(h.dial(authn.Partner, "messenger"))
}

func saying(id, account, alert string, c datav1.AlertChoice) *partnerv1.AnswerAlertRequest {
	return &partnerv1.AnswerAlertRequest{Access: access(id), AccountId: account, AlertId: alert, Choice: c, Confirmation: "tap 1"}
}

// With processes as they are in earnest: an alert is listed, the customer has
// the card blocked, and the bank's own data show it.
func TestAnAlertIsAnsweredAndTheBankShowsIt(t *testing.T) {
	h := open(t)
	h.serveSampleBank("odra")
	id := h.agreeAt("odra", "3687", "C577", fraudAlerts, cards)
	door := h.alerts()
	list := func() []*datav1.FraudAlert {
		t.Helper()
		got, err := door.ListAlerts(h.ctx(), &partnerv1.ListAlertsRequest{Access: access(id)})
		if err != nil || len(got.GetAccounts()) != 1 || got.GetRelease().GetDisclosureId() == "" {
			t.Fatalf("ListAlerts = %v, %v", got, err)
		}
		return got.GetAccounts()[0].GetAlerts()
	}
	card := func() datav1.CardStatus {
		t.Helper()
		got, err := h.accounts("messenger").ListCards(h.ctx(), &partnerv1.ListCardsRequest{Access: access(id)})
		if err != nil || len(got.GetAccounts()) != 1 || len(got.GetAccounts()[0].GetCards()) != 1 {
			t.Fatalf("ListCards = %v, %v", got, err)
		}
		return got.GetAccounts()[0].GetCards()[0].GetStatus()
	}
	open, account := list(), h.pairwise(id)[0]
	if len(open) < 2 || open[0].GetStatus() != datav1.AlertStatus_ALERT_STATUS_OPEN || card() != datav1.CardStatus_CARD_STATUS_ACTIVE {
		t.Fatalf("alerts %v, card %v", open, card())
	}
	answer := saying(id, account, open[0].GetAlertId(), blockCard)
	for range 2 {
		if got, err := door.AnswerAlert(h.ctx(), answer); err != nil || got.GetStatus() != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
			t.Fatalf("AnswerAlert = %v, %v", got, err)
		}
	}
	if card() != datav1.CardStatus_CARD_STATUS_BLOCKED {
		t.Error("the bank did not block the card")
	}
	for _, a := range list() {
		if a.GetAlertId() == answer.GetAlertId() && a.GetStatus() == datav1.AlertStatus_ALERT_STATUS_OPEN {
			t.Error("the bank still asks")
		}
	}
	if _, err := door.AnswerAlert(h.ctx(), saying(id, account, answer.GetAlertId(), wasMe)); reason(err) != "CHANGE_NOT_POSSIBLE" {
		t.Errorf("another answer: %v", err)
	}
	away := saying(id, account, open[1].GetAlertId(), notMe)
	away.Access.Attendance = partnerv1.Attendance_ATTENDANCE_UNATTENDED
	if _, err := door.AnswerAlert(h.ctx(), away); reason(err) != "INVALID_REQUEST" {
		t.Errorf("without the customer: %v", err)
	}
	out, err := exec.Command(program, "alerts", "answer", open[1].GetAlertId(), "--data", h.dir, "--consent", id, "--account", account,
		"--choice", "was_me", "--confirmation", "tap 2").CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("ANSWERED")) {
		t.Errorf("sluice alerts answer: %v\n%s", err, out)
	}
	if _, err := customerv1.NewConsentServiceClient(h.dial(authn.Bank, "odra")).RevokeConsent(h.ctx(), &customerv1.RevokeConsentRequest{CustomerId: "3687", ConsentId: id}); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]*partnerv1.AnswerAlertRequest{"the same again": answer, "a new one": saying(id, account, open[1].GetAlertId(), notMe)} {
		if _, err := door.AnswerAlert(h.ctx(), call); reason(err) != "CONSENT_REVOKED" {
			t.Errorf("%s after the revoke: %v", name, err)
		}
	}
}

// The gateway is killed while the bank is away with an answer that it may have.
func TestAnAnswerSurvivesTheGateway(t *testing.T) {
	h := open(t)
	answering(h)
	h.bank.Answer(bank.ListAlerts, &bankv1.ListAlertsResponse{Accounts: []*datav1.AccountAlerts{{AccountId: "A1", Alerts: []*datav1.FraudAlert{{
		AlertId: "W1", Status: datav1.AlertStatus_ALERT_STATUS_OPEN, Choices: []datav1.AlertChoice{wasMe, notMe},
		ExpiresAt: timestamppb.New(time.Now().Add(time.Hour)),
	}}}}})
	h.bank.Take(func(bank.AlertAnswer) (datav1.AlertStatus, error) { return 0, bank.ErrUnavailable })
	id := h.agree(clusters(fraudAlerts), "A1")
	account := h.pairwise(id)[0]
	if got, err := h.alerts().AnswerAlert(h.ctx(), saying(id, account, "W1", notMe)); err != nil || got.GetStatus() != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
		t.Fatalf("AnswerAlert = %v, %v", got, err)
	}
	h.stop(syscall.SIGKILL)
	h.bank.Take(nil)
	h.start()
	for deadline := time.Now().Add(startTimeout); h.bank.Taken() == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
	}
	told := h.bank.Told()
	if h.bank.Taken() != 1 || len(told) < 2 {
		t.Fatalf("taken %d times of %d", h.bank.Taken(), len(told))
	}
	for _, again := range told {
		if again != told[0] || again.Confirmation != "tap 1" {
			t.Errorf("told %+v, and first %+v", again, told[0])
		}
	}
	if got, err := h.alerts().AnswerAlert(h.ctx(), saying(id, account, "W1", notMe)); err != nil || got.GetStatus() != datav1.AlertStatus_ALERT_STATUS_ANSWERED {
		t.Errorf("the same again: %v, %v", got, err)
	}
}
