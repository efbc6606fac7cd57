package banktest

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"sluice/bank"
	"sluice/consent"
	"sluice/gateway/codec"
	bankv1 "sluice/gen/sluice/bank/v1"
)

// Bank answers as told. It may be used by many goroutines.
type Bank struct {
	mu       sync.Mutex
	answers  map[bank.Method][]byte
	err      error
	requests []bank.Request
	calls    []Call
	before   func()
	reached  func()
	alerts   alertDesk
}

// New makes a bank that answers empty messages.
func New() *Bank { return &Bank{answers: map[bank.Method][]byte{}} }

// Answer sets what a method answers from now on.
func (b *Bank) Answer(m bank.Method, msg proto.Message) {
	encoded, err := proto.Marshal(msg)
	if err != nil {
		// A test's own message that can't be encoded is the test's mistake.
		encoded = []byte(err.Error())
	}
	b.AnswerBytes(m, encoded)
}

// AnswerBytes sets what a method answers, well-formed or not.
func (b *Bank) AnswerBytes(m bank.Method, encoded []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers[m] = encoded
}

// Fail makes every call fail with err; nil ends that.
func (b *Bank) Fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// OnReach runs f whenever the bank is to be reached.
func (b *Bank) OnReach(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reached = f
}

// Reach reaches the bank at once.
func (b *Bank) Reach(context.Context) error {
	b.mu.Lock()
	f := b.reached
	b.mu.Unlock()
	if f != nil {
		f()
	}
	return nil
}

// Before runs f in every call before it is answered.
func (b *Bank) Before(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.before = f
}

// Requests are the calls made so far through Fetch.
func (b *Bank) Requests() []bank.Request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]bank.Request(nil), b.requests...)
}

// Source makes the bank the source of every bank id.
func (b *Bank) Source(context.Context, consent.BankID) (bank.Source, error) { return b, nil }

// Fetch answers as told.
func (b *Bank) Fetch(ctx context.Context, m bank.Method, r bank.Request) (bank.Answer, error) {
	b.mu.Lock()
	b.requests, b.calls = append(b.requests, r), append(b.calls, Call{m, r})
	b.mu.Unlock()
	encoded, err := b.answer(m)
	if err != nil {
		return bank.Answer{}, err
	}
	if err := ctx.Err(); err != nil {
		return bank.Answer{}, fmt.Errorf("%w: %w", bank.ErrUnavailable, err)
	}
	return bank.NewAnswer(encoded, nil), nil
}

func (b *Bank) answer(m bank.Method) ([]byte, error) {
	b.mu.Lock()
	before, err, encoded := b.before, b.err, b.answers[m]
	b.mu.Unlock()
	if before != nil {
		before()
	}
	return encoded, err
}

// Register serves BankService and ConversationService over gRPC. The server's codec is gateway/codec's.
func (b *Bank) Register(s grpc.ServiceRegistrar) {
	desc := bankv1.BankService_ServiceDesc
	desc.Methods = nil
	for _, m := range []bank.Method{bank.ListAccounts, bank.ListHolders, bank.ListBalances, bank.ListTransactions, bank.ListCards, bank.ListAlerts} {
		desc.Methods = append(desc.Methods, grpc.MethodDesc{
			MethodName: string(m[strings.LastIndexByte(string(m), '/')+1:]),
			Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
				var request codec.Frame
				if err := decode(&request); err != nil {
					return nil, fmt.Errorf("read request: %w", err)
				}
				defer request.Free()
				encoded, err := b.answer(m)
				return raw(encoded), err
			},
		})
	}
	desc.Methods = append(desc.Methods, b.takesAnswers())
	s.RegisterService(&desc, nil)
	b.serveConversations(s)
}

type raw []byte

func (r raw) Encoded() []byte { return r }
