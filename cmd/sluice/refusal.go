package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// printError says what went wrong and what can be done, for people.
func printError(w io.Writer, err error) {
	var told interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &told) {
		fmt.Fprintf(w, "sluice: %v\n", err)
		return
	}
	s := told.GRPCStatus()
	info := errorInfo(s)
	switch {
	case info != nil:
		fmt.Fprintf(w, "%s %s\n", paint(w, red, "refused: "+info.GetReason()), s.Message())
	case s.Code() == codes.Unavailable:
		fmt.Fprintf(w, "%s %s\n", paint(w, red, "no connection:"), s.Message())
		fmt.Fprintln(w, "  Does the gateway run there, and is the certificate of a registered party?")
	default:
		fmt.Fprintf(w, "%s %s\n", paint(w, red, s.Code().String()+":"), s.Message())
	}
	for _, d := range s.Details() {
		if bad, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range bad.GetFieldViolations() {
				fmt.Fprintf(w, "  %s: %s\n", v.GetField(), v.GetDescription())
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(info.GetMetadata())) {
		fmt.Fprintf(w, "  %s: %s\n", key, info.GetMetadata()[key])
	}
}

// errorInfo is what the gateway said of a refusal; nil if it wasn't one.
func errorInfo(s *status.Status) *errdetails.ErrorInfo {
	for _, d := range s.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			return info
		}
	}
	return nil
}

// reasonOf is the reason of a refusal, or the status code of another error.
func reasonOf(err error) string {
	if info := errorInfo(status.Convert(err)); info != nil {
		return info.GetReason()
	}
	return status.Code(err).String()
}
