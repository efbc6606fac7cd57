package partnerapi_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	"sluice/alert"
	"sluice/consent"
	"sluice/gateway/partnerapi"
	consentv1 "sluice/gen/sluice/consent/v1"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
	"sluice/refusal"
)

// hearing is a desk that keeps what it was asked.
type hearing struct{ heard []alert.Question }

func (h *hearing) Answer(_ context.Context, q alert.Question) (datav1.AlertStatus, error) {
	h.heard = append(h.heard, q)
	return datav1.AlertStatus_ALERT_STATUS_ANSWERED, nil
}

// callAlerts calls a method as a server would.
func callAlerts(ctx context.Context, t *testing.T, gate *asking, desk *hearing, name string, fill func(any)) (any, error) {
	t.Helper()
	door := partnerapi.NewAlerts(gate, desk)
	var r registrar
	door.Register(&r)
	for _, m := range r.desc.Methods {
		if m.MethodName == name {
			return m.Handler(door, ctx, func(in any) error { fill(in); return nil }, grpc.UnaryServerInterceptor(nil))
		}
	}
	t.Fatalf("%s is not served", name)
	return nil, nil
}

func present(consent string) *partnerv1.Access {
	return &partnerv1.Access{
		ConsentId: consent, Purpose: consentv1.Purpose_PURPOSE_ACCOUNT_OVERVIEW,
		Attendance: partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT,
	}
}

func TestAlertsAreListedThroughTheGate(t *testing.T) {
	gate, desk := &asking{}, &hearing{}
	_, err := callAlerts(with(t, of("con_1")), t, gate, desk, "ListAlerts", func(in any) {
		r, _ := in.(*partnerv1.ListAlertsRequest)
		r.Access, r.AccountIds = present("con_1"), []string{"acc_1"}
	})
	if refusal.ReasonOf(err) != refusal.ConsentPaused || len(gate.asks) != 1 || len(desk.heard) != 0 {
		t.Fatalf("ListAlerts = %v; asked %v", err, gate.asks)
	}
	if a := gate.asks[0]; a.Kind != policy.Alerts || a.Method != "sluice.partner.v1.AlertService/ListAlerts" || a.Accounts[0] != "acc_1" ||
		a.Unattended || a.Partner != "messenger" || a.Consent != "con_1" || a.Ceiling == nil {
		t.Errorf("asked %+v", a)
	}
}

func TestAnAnswerIsHandedOnAsItWasGiven(t *testing.T) {
	for name, attendance := range map[string]partnerv1.Attendance{
		"present": partnerv1.Attendance_ATTENDANCE_CUSTOMER_PRESENT, "unattended": partnerv1.Attendance_ATTENDANCE_UNATTENDED, "not stated": 0,
	} {
		gate, desk := &asking{}, &hearing{}
		_, err := callAlerts(with(t, of("con_1")), t, gate, desk, "AnswerAlert", func(in any) {
			r, _ := in.(*partnerv1.AnswerAlertRequest)
			r.Access, r.AccountId, r.AlertId = present("con_1"), "acc_1", "W1"
			r.Access.Attendance = attendance
			r.Choice, r.Confirmation = datav1.AlertChoice_ALERT_CHOICE_NOT_ME, "tap"
		})
		if err != nil || len(desk.heard) != 1 || len(gate.asks) != 0 {
			t.Fatalf("%s: %v; heard %v", name, err, desk.heard)
		}
		q := desk.heard[0]
		if q.Ask.Unattended != (name != "present") {
			t.Errorf("%s is unattended: %t", name, q.Ask.Unattended)
		}
		if q.Alert != "W1" || q.Choice != datav1.AlertChoice_ALERT_CHOICE_NOT_ME || q.Confirmation != "tap" || q.Ask.Partner != "messenger" ||
			q.Ask.Consent != "con_1" || q.Ask.Accounts[0] != "acc_1" || q.Ask.Method != "sluice.partner.v1.AlertService/AnswerAlert" ||
			!q.Ask.Ceiling["acc_1"].Has(consent.Balances) {
			t.Errorf("heard %+v", q)
		}
	}
}

func TestNobodyAnswersWithoutTheRight(t *testing.T) {
	for name, c := range map[string]struct {
		ctx  context.Context
		want refusal.Reason
	}{
		"no caller":               {t.Context(), refusal.CallerUnknown},
		"another consent's token": {with(t, of("con_2")), refusal.TokenInvalid},
	} {
		for _, method := range []string{"ListAlerts", "AnswerAlert"} {
			gate, desk := &asking{}, &hearing{}
			_, err := callAlerts(c.ctx, t, gate, desk, method, func(in any) {
				switch r := in.(type) {
				case *partnerv1.ListAlertsRequest:
					r.Access = present("con_1")
				case *partnerv1.AnswerAlertRequest:
					r.Access = present("con_1")
				}
			})
			if refusal.ReasonOf(err) != c.want || len(gate.asks) != 0 || len(desk.heard) != 0 {
				t.Errorf("%s, %s: %v; asked %v, heard %v", name, method, err, gate.asks, desk.heard)
			}
		}
	}
}
