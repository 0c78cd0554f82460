package incident

import (
	"errors"
	"fmt"
	"strings"
)

// Code classifies an error, so that each way out (command line, HTTP) can
// answer it without knowing where it came from.
type Code string

// The error codes.
const (
	// CodeNotFound means that what was asked for does not exist.
	CodeNotFound Code = "not_found"
	// CodeInvalid means that the question or the input is wrong.
	CodeInvalid Code = "invalid"
	// CodeConflict means that the input contradicts what is stored.
	CodeConflict Code = "conflict"
	// CodeTooLarge means that a limit was passed.
	CodeTooLarge Code = "too_large"
	// CodeUnavailable means that the store cannot answer now: locked, full, read-only or of a newer version.
	CodeUnavailable Code = "unavailable"
	// CodeInternal means a fault of ours.
	CodeInternal Code = "internal"
)

// Error is an error with a code and words for the person who asked.
type Error struct {
	// Code classifies it.
	Code Code
	// Message is a full sentence for the user, without internals.
	Message string
	// Parameter names the parameter or column at fault, "" if none is.
	Parameter string
	// Allowed lists the values that would have been taken, nil if they cannot be listed.
	Allowed []string
	// Err is the cause, nil if there is none; it is for logs, not for users.
	Err error
}

// ErrBusy is what a store fails with, wrapped or not, while another load runs
// on it, in this process or another: nothing is wrong, and it may be tried again.
var ErrBusy error = Errorf(CodeUnavailable, "Another load is running on this store; try again when it has ended.")

// Error returns the message and the cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", strings.TrimSuffix(e.Message, "."), e.Err)
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf returns an error with a code and a message.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// CodeOf returns the code of an error, CodeInternal for one that has none and
// "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return CodeInternal
}
