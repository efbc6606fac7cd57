package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// table writes aligned columns under a head; nothing but "none" without rows.
func table(w io.Writer, head string, rows [][]string) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(w, paint(w, faint, "none"))
		return err //nolint:wrapcheck // the caller's own writer
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.ReplaceAll(head, "|", "\t"))
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(t, strings.Join(row, "\t"))
	}
	return t.Flush() //nolint:wrapcheck // the caller's own writer
}

// printable keeps what others wrote, like names, from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '�'
		}
		return r
	}, s)
}

// printJSON writes an answer as the contract's JSON form.
func printJSON(w io.Writer, m proto.Message) error {
	raw, err := protojson.MarshalOptions{Multiline: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", raw)
	return err //nolint:wrapcheck // the caller's own writer
}
