package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"google.golang.org/grpc"

	"sluice/authn"
	partnerv1 "sluice/gen/sluice/partner/v1"
)

type eventsCmd struct {
	Subscribe eventsSubscribeCmd `cmd:"" help:"Follow what banks publish, over one stream."`
	Pull      eventsPullCmd      `cmd:"" help:"Take what is due, without a stream."`
	Ack       eventsAckCmd       `cmd:"" help:"Acknowledge events that were pulled, or say what was wrong with them."`
}

// ofEvents is what each command about a partner's events needs.
type ofEvents struct {
	connection
	As string `help:"The partner whose events they are." default:"messenger"`
}

func eventCall[Q, R any](ctx context.Context, c *ofEvents,
	method func(partnerv1.EventServiceClient, context.Context, Q, ...grpc.CallOption) (R, error), request Q,
) (R, error) {
	return call(ctx, &c.connection, authn.Partner, c.As, partnerv1.NewEventServiceClient, method, request)
}

type eventsSubscribeCmd struct {
	ofEvents
	Credits int32 `help:"Events on their way at once, up to 1000." default:"100"`
	Count   int   `help:"Stop after so many events; never if 0." placeholder:"N"`
	NoAck   bool  `help:"Acknowledge nothing: all of it comes again." name:"no-ack"`
	JSON    bool  `help:"Print JSON."`
}

func (c *eventsSubscribeCmd) Help() string {
	return `Prints each event as it comes and then acknowledges it, until Ctrl-C. Several at once
share the events.

Examples:
  sluice events subscribe --as messenger
  sluice events subscribe --credits 1 --count 10 --json`
}

// Run follows until an interrupt, or the stream's end.
func (c *eventsSubscribeCmd) Run(ctx context.Context) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Credits < 1 || c.Credits > 1000 {
		return fmt.Errorf("--credits must be 1 to 1000, not %d", c.Credits)
	}
	conn, err := c.dial(authn.Partner, c.As)
	if err != nil {
		return err
	}
	streaming, end := context.WithCancel(ctx)
	defer end()
	stream, err := partnerv1.NewEventServiceClient(conn).Subscribe(streaming)
	if err == nil {
		err = c.follow(os.Stdout, stream)
	}
	if ctx.Err() != nil {
		err = nil // it was to end
	}
	return errors.Join(err, conn.Close())
}

type eventStream = grpc.BidiStreamingClient[partnerv1.SubscribeRequest, partnerv1.SubscribeResponse]

// follow gives a credit for each event that is done with, so that as many as
// were given first stay on their way.
func (c *eventsSubscribeCmd) follow(w io.Writer, stream eventStream) error {
	if err := stream.Send(&partnerv1.SubscribeRequest{Credits: c.Credits}); err != nil && !errors.Is(err, io.EOF) {
		return err //nolint:wrapcheck // a status, which main explains
	}
	for seen := 0; c.Count == 0 || seen < c.Count; {
		answer, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err //nolint:wrapcheck // a status, which main explains
		}
		done := &partnerv1.SubscribeRequest{Credits: int32(len(answer.GetEvents()))}
		for _, e := range answer.GetEvents() {
			if err := c.show(w, e); err != nil {
				return err
			}
			done.Acknowledgements = append(done.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
		}
		seen += len(answer.GetEvents())
		if c.NoAck {
			done.Acknowledgements = nil
		}
		if err := stream.Send(done); err != nil && !errors.Is(err, io.EOF) {
			return err //nolint:wrapcheck // a status, which main explains
		}
	}
	return c.finish(stream)
}

// finish says that nothing more is sent, and waits until the gateway has the
// last acknowledgement.
func (c *eventsSubscribeCmd) finish(stream eventStream) error {
	if err := stream.CloseSend(); err != nil {
		return err //nolint:wrapcheck // a status, which main explains
	}
	for {
		if _, err := stream.Recv(); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err //nolint:wrapcheck // a status, which main explains
		}
	}
}

func (c *eventsSubscribeCmd) show(w io.Writer, e *partnerv1.Event) error {
	if c.JSON {
		return printJSON(w, e)
	}
	_, err := fmt.Fprintln(w, eventLine(e))
	return err //nolint:wrapcheck // the caller's own writer
}

type eventsPullCmd struct {
	ofEvents
	Max  int32 `help:"At most so many; up to 500." default:"100"`
	Ack  bool  `help:"Acknowledge them at once."`
	JSON bool  `help:"Print JSON."`
}

func (c *eventsPullCmd) Help() string {
	return `Example:
  sluice events pull --as messenger --max 10`
}

// Run takes what is due.
func (c *eventsPullCmd) Run(ctx context.Context) error {
	answer, err := eventCall(ctx, &c.ofEvents, partnerv1.EventServiceClient.PullEvents, &partnerv1.PullEventsRequest{MaxEvents: c.Max})
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(os.Stdout, answer)
	} else {
		err = printPulled(os.Stdout, answer.GetEvents())
	}
	if err != nil || !c.Ack || len(answer.GetEvents()) == 0 {
		return err
	}
	acks := &partnerv1.AcknowledgeEventsRequest{}
	for _, e := range answer.GetEvents() {
		acks.Acknowledgements = append(acks.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: e.GetDeliveryId()})
	}
	_, err = eventCall(ctx, &c.ofEvents, partnerv1.EventServiceClient.AcknowledgeEvents, acks)
	return err
}

func printPulled(w io.Writer, events []*partnerv1.Event) error {
	var rows [][]string
	for _, e := range events {
		rows = append(rows, []string{e.GetDeliveryId(), eventLine(e)})
	}
	return table(w, "DELIVERY|EVENT", rows)
}

type eventsAckCmd struct {
	ofEvents
	Delivery []string `arg:"" help:"The deliveries' ids, as they were pulled."`
	Error    string   `help:"Why they could not be taken; they come again later." placeholder:"TEXT"`
}

func (c *eventsAckCmd) Help() string {
	return `Examples:
  sluice events ack DELIVERY…
  sluice events ack DELIVERY --error "the queue is full"`
}

// Run acknowledges.
func (c *eventsAckCmd) Run(ctx context.Context) error {
	acks := &partnerv1.AcknowledgeEventsRequest{}
	for _, id := range c.Delivery {
		acks.Acknowledgements = append(acks.Acknowledgements, &partnerv1.Acknowledgement{DeliveryId: id, Error: c.Error})
	}
	_, err := eventCall(ctx, &c.ofEvents, partnerv1.EventServiceClient.AcknowledgeEvents, acks)
	return err
}

// eventLine tells an event in one line.
func eventLine(e *partnerv1.Event) string {
	words := []string{formatTime(e.GetPublishedAt()), e.GetConsentId(), shortName(e.GetKind())}
	for _, a := range e.GetTransaction().GetAccounts() {
		for _, t := range a.GetTransactions() {
			words = append(words, a.GetAccountId(), formatMoney(t.GetAmount()), shortName(t.GetStatus()), shortName(t.GetKind()), t.GetTransactionId())
		}
	}
	for _, a := range e.GetBalance().GetAccounts() {
		words = append(words, a.GetAccountId())
		for _, b := range a.GetBalances() {
			words = append(words, shortName(b.GetType()), formatMoney(b.GetAmount()))
		}
	}
	for _, a := range e.GetAlert().GetAccounts() {
		for _, f := range a.GetAlerts() {
			words = append(words, a.GetAccountId(), f.GetAlertId(), shortName(f.GetStatus()), formatMoney(f.GetAmount()), f.GetText())
		}
	}
	words = append(words, talkWords(e)...)
	if c := e.GetConsentChanged(); c != nil {
		words = append(words, shortName(c.GetKind()), shortName(c.GetStatus()))
	}
	if a := e.GetAccountLeft(); a != nil {
		words = append(words, a.GetAccountId())
	}
	if e.GetRedelivered() {
		words = append(words, "(again)")
	}
	return printable(strings.Join(words, "  "))
}
