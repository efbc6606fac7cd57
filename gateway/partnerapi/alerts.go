package partnerapi

import (
	"context"
	"fmt"

	"google.golang.org/grpc"

	"sluice/alert"
	"sluice/gateway"
	datav1 "sluice/gen/sluice/data/v1"
	partnerv1 "sluice/gen/sluice/partner/v1"
	"sluice/policy"
)

// AlertDesk takes customers' answers to alerts.
type AlertDesk interface {
	Answer(ctx context.Context, q alert.Question) (datav1.AlertStatus, error)
}

// Alerts is AlertService in front of a gate.
type Alerts struct {
	partnerv1.UnimplementedAlertServiceServer
	gate Releaser
	desk AlertDesk
}

// NewAlerts opens the door to a gate, and to the desk behind it.
func NewAlerts(gate Releaser, desk AlertDesk) *Alerts { return &Alerts{gate: gate, desk: desk} }

// Register adds AlertService to a server whose codec is gateway/codec.
func (a *Alerts) Register(s grpc.ServiceRegistrar) {
	desc := partnerv1.AlertService_ServiceDesc
	list := method(pulls{a.gate, desc.ServiceName}, "ListAlerts", func(r *partnerv1.ListAlertsRequest) (gateway.Ask, error) {
		return gateway.Ask{Kind: policy.Alerts, Accounts: r.GetAccountIds()}, nil
	})
	desc.Methods = nil
	for _, m := range partnerv1.AlertService_ServiceDesc.Methods {
		if m.MethodName == list.MethodName {
			m = list // answers with what is encoded already
		}
		desc.Methods = append(desc.Methods, m)
	}
	s.RegisterService(&desc, a)
}

// answerAlert is AnswerAlert's name on record.
const answerAlert = "sluice.partner.v1.AlertService/AnswerAlert"

// AnswerAlert takes the customer's answer.
func (a *Alerts) AnswerAlert(ctx context.Context, r *partnerv1.AnswerAlertRequest) (*partnerv1.AnswerAlertResponse, error) {
	ask, err := called(ctx, answerAlert, r.GetAccess(), gateway.Ask{Accounts: []string{r.GetAccountId()}})
	if err != nil {
		return nil, err
	}
	status, err := a.desk.Answer(ctx, alert.Question{
		Ask: ask, Alert: r.GetAlertId(), Choice: r.GetChoice(), Confirmation: r.GetConfirmation(),
	})
	if err != nil {
		return nil, fmt.Errorf("answer alert: %w", err)
	}
	return &partnerv1.AnswerAlertResponse{Status: status}, nil
}
