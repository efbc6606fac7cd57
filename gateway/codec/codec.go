package codec

import (
	"errors"
	"fmt"

	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
)

// Raw is a message that knows its own encoding.
type Raw interface {
	// Encoded is the protobuf encoding. It is not changed after it was handed out.
	Encoded() []byte
}

// Frame takes in an encoded message as it came. Sent on, it is handed over whole
// and is empty afterwards.
type Frame struct{ buf mem.Buffer }

// Bytes is the encoded message, good until Free.
func (f *Frame) Bytes() []byte {
	if f.buf == nil {
		return nil
	}
	return f.buf.ReadOnlyData()
}

// Free gives the frame's memory back.
func (f *Frame) Free() {
	if f.buf != nil {
		f.buf.Free()
		f.buf = nil
	}
}

func (f *Frame) take() mem.BufferSlice {
	if f.buf == nil {
		return nil
	}
	data := mem.BufferSlice{f.buf}
	f.buf = nil
	return data
}

// Checked takes in a message that may be unreadable: gRPC would answer the
// codec's error by itself, and call it internal.
type Checked struct {
	Into any
	// Err says why nothing was taken in: ErrTooLarge or ErrUnreadable.
	Err error
}

// ErrTooLarge means that a message is larger than its kind may be.
var ErrTooLarge = errors.New("the message is too large")

// ErrUnreadable means that a message is not the encoding of its kind.
var ErrUnreadable = errors.New("decode message")

type codec struct {
	pool  mem.BufferPool
	proto encoding.CodecV2
	limit func(message any) int
}

// New makes the codec, for grpc.ForceServerCodecV2 and grpc.ForceCodecV2.
func New() encoding.CodecV2 { return Bounded(nil) }

// Bounded is New for a server whose messages may not all be of one size: limit
// says how many bytes of a message are decoded at most.
func Bounded(limit func(message any) int) encoding.CodecV2 {
	return codec{pool: mem.DefaultBufferPool(), proto: encoding.GetCodecV2(proto.Name), limit: limit}
}

// Name is protobuf's: the wire is the same.
func (codec) Name() string { return proto.Name }

func (c codec) Marshal(v any) (mem.BufferSlice, error) {
	switch v := v.(type) {
	case *Frame:
		return v.take(), nil
	case Raw:
		return mem.BufferSlice{mem.SliceBuffer(v.Encoded())}, nil
	}
	data, err := c.proto.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return data, nil
}

func (c codec) Unmarshal(data mem.BufferSlice, v any) error {
	if frame, ok := v.(*Frame); ok {
		frame.buf = data.MaterializeToBuffer(c.pool)
		return nil
	}
	if checked, ok := v.(*Checked); ok {
		checked.Err = c.Unmarshal(data, checked.Into)
		return nil
	}
	if c.limit != nil && data.Len() > c.limit(v) {
		return ErrTooLarge
	}
	if err := c.proto.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreadable, err)
	}
	return nil
}
