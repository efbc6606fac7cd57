package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	bankv1 "sluice/gen/sluice/bank/v1"
)

// maxEventLine bounds one event, in bytes of JSON; maxEventBatch is below what a
// request may have, 1 MiB.
const (
	maxEventLine  = 1 << 20
	maxEventBatch = 900 << 10
)

// readFeedEvents reads an event from each line that is not empty.
func readFeedEvents(r io.Reader) ([]*bankv1.FeedEvent, error) {
	var out []*bankv1.FeedEvent
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxEventLine+len("\r\n"))
	n := 0
	for lines.Scan() {
		n++
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		e, err := readFeedEvent(line)
		if err != nil {
			return nil, fmt.Errorf("nothing was sent: line %d is no event: %w", n, err)
		}
		out = append(out, e)
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("nothing was sent: line %d is longer than %d bytes", n+1, maxEventLine)
	case err != nil:
		return nil, fmt.Errorf("nothing was sent: read line %d: %w", n+1, err)
	case len(out) == 0:
		return nil, errors.New("there are no events to publish")
	}
	return out, nil
}

// readFeedEvent reads one event, which may be without a sequence.
func readFeedEvent(line []byte) (*bankv1.FeedEvent, error) {
	e := &bankv1.FeedEvent{}
	if err := protojson.Unmarshal(line, e); err != nil {
		return nil, err //nolint:wrapcheck // the line is named by the caller
	}
	numbered := e
	if e.GetSequence() == 0 {
		numbered = proto.CloneOf(e)
		numbered.Sequence = 1
	}
	if err := protovalidate.Validate(numbered); err != nil {
		return nil, faultOf(err)
	}
	return e, nil
}

// faultOf names the fields at fault, and what is wrong with each.
func faultOf(err error) error {
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	faults := make([]error, len(invalid.Violations))
	for i, v := range invalid.Violations {
		faults[i] = fmt.Errorf("%s: %s", protovalidate.FieldPathString(v.Proto.GetField()), v.Proto.GetMessage())
	}
	slices.SortFunc(faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(faults...)
}

// inBatches cuts events into requests.
func inBatches(events []*bankv1.FeedEvent, most int) [][]*bankv1.FeedEvent {
	var out [][]*bankv1.FeedEvent
	size, from := 0, 0
	for i, e := range events {
		of := proto.Size(e) + 8
		if i > from && (i-from == most || size+of > maxEventBatch) {
			out, size, from = append(out, events[from:i]), 0, i
		}
		size += of
	}
	return append(out, events[from:])
}
