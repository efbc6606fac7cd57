package codec_test

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"sluice/gateway/codec"
	bankv1 "sluice/gen/sluice/bank/v1"
	datav1 "sluice/gen/sluice/data/v1"
)

type raw []byte

func (r raw) Encoded() []byte { return r }

func TestEncodedMessagesPassUnchanged(t *testing.T) {
	c := codec.New()
	if c.Name() != "proto" {
		t.Errorf("name = %q: peers would see another content type", c.Name())
	}
	want := []byte("not even a protobuf \xff")
	out, err := c.Marshal(raw(want))
	if err != nil || !bytes.Equal(out.Materialize(), want) {
		t.Fatalf("Marshal of a raw message = %q, %v", out.Materialize(), err)
	}
	var frame codec.Frame
	parts := mem.BufferSlice{mem.SliceBuffer(want[:5]), mem.SliceBuffer(want[5:])}
	if err := c.Unmarshal(parts, &frame); err != nil || !bytes.Equal(frame.Bytes(), want) {
		t.Fatalf("Unmarshal into a frame = %q, %v", frame.Bytes(), err)
	}
	on, err := c.Marshal(&frame)
	if err != nil || !bytes.Equal(on.Materialize(), want) {
		t.Fatalf("Marshal of a frame = %q, %v", on.Materialize(), err)
	}
	on.Free()
	if frame.Bytes() != nil {
		t.Error("a frame that was sent on is still there")
	}
	frame.Free() // harmless
}

func TestOtherMessagesAreProtobuf(t *testing.T) {
	c := codec.New()
	want := &datav1.Account{AccountId: "A1", Currency: "CZK"}
	encoded, err := c.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got datav1.Account
	if err := c.Unmarshal(encoded, &got); err != nil || !proto.Equal(&got, want) {
		t.Errorf("round trip = %v, %v", &got, err)
	}
	if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer([]byte{0xff})}, &got); err == nil {
		t.Error("garbage was decoded")
	}
	if _, err := c.Marshal(42); err == nil {
		t.Error("something that is no message was encoded")
	}
}

func TestAMessageBeyondItsSizeIsNotDecoded(t *testing.T) {
	c := codec.Bounded(func(m any) int {
		if _, roomy := m.(*bankv1.PublishRequest); roomy {
			return 100
		}
		return 10
	})
	data, err := c.Marshal(&bankv1.PublishRequest{Events: []*bankv1.FeedEvent{{AccountId: "an account of ours"}}})
	if err != nil {
		t.Fatal(err)
	}
	var large bankv1.PublishRequest
	if err := c.Unmarshal(data, &large); err != nil || len(large.GetEvents()) != 1 {
		t.Errorf("a message of the larger kind: %v", err)
	}
	var small bankv1.PublishBatchRequest
	if err := c.Unmarshal(data, &small); !errors.Is(err, codec.ErrTooLarge) || len(small.GetEvents()) != 0 {
		t.Errorf("a message of the smaller kind: %v with %d events", err, len(small.GetEvents()))
	}
}

func TestAMessageThatCantBeReadIsToldOf(t *testing.T) {
	c := codec.Bounded(func(any) int { return 10 })
	for name, tt := range map[string]struct {
		data []byte
		want error
	}{
		"too large": {make([]byte, 11), codec.ErrTooLarge}, "garbage": {[]byte{0xff}, codec.ErrUnreadable}, "good": {nil, nil},
	} {
		in := codec.Checked{Into: &datav1.Account{}}
		if err := c.Unmarshal(mem.BufferSlice{mem.SliceBuffer(tt.data)}, &in); err != nil || !errors.Is(in.Err, tt.want) {
			t.Errorf("%s: %v, and told of %v", name, err, in.Err)
		}
	}
}
