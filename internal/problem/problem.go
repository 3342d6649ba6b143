// Package problem is how every part of Tegata says that something did not
// happen, so that nobody confuses the four kinds: we checked and refuse; we
// could not check; it is our fault; it is your turn.
//
// It owns the Problem type, its words in Japanese and English, and its form as
// problem details (RFC 9457). Writing it to a connection is done by package
// httpd; showing it on a page by package ui.
//
// # Trust
//
// A Problem decoded from another party's answer is that party's word: its texts
// are shown as text, and its code is compared, but nothing is decided from it
// that the other party may not decide.
package problem

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
)

// Kind is one of four; pages and exit codes follow from it.
type Kind string

// The kinds.
const (
	Refused       Kind = "refused"         // we checked: no
	CouldNotCheck Kind = "could-not-check" // something was unreachable: nothing was decided, try later
	OurFault      Kind = "our-fault"       // a defect or a full disk on our side
	YourTurn      Kind = "your-turn"       // the person or the caller must do something
)

// Text is what happened, in one sentence, and the way on.
type Text struct{ Title, Detail string }

// Problem is an error with a stable code. Two problems are the same for
// errors.Is when their codes are.
type Problem struct {
	Code      string // stable, lower case with hyphens: "under-15"
	Kind      Kind
	Status    int // HTTP status
	JA, EN    Text
	Extra     map[string]any // extension members of RFC 9457, such as "tries_left"
	RequestID string         // of the request that failed; set when it is written or decoded

	cause error // for logs; never written to a caller
}

// New makes a problem; parties keep theirs as package-level variables.
func New(kind Kind, status int, code string, ja, en Text) *Problem {
	return &Problem{Code: code, Kind: kind, Status: status, JA: ja, EN: en}
}

// NewRefused makes the problem of something that was checked, and the answer is
// no. ja and en say what happened, jaNext and enNext the way on.
func NewRefused(status int, code, ja, jaNext, en, enNext string) *Problem {
	return New(Refused, status, code, Text{ja, jaNext}, Text{en, enNext})
}

// NewYourTurn makes the problem of something that the person or the caller must
// do; see NewRefused.
func NewYourTurn(status int, code, ja, jaNext, en, enNext string) *Problem {
	return New(YourTurn, status, code, Text{ja, jaNext}, Text{en, enNext})
}

// NewCouldNotCheck makes the problem of something that nobody could find out: a
// 503, to try again later; see NewRefused.
func NewCouldNotCheck(code, ja, jaNext, en, enNext string) *Problem {
	return New(CouldNotCheck, http.StatusServiceUnavailable, code, Text{ja, jaNext}, Text{en, enNext})
}

// Error is the code and the English sentence; the cause too, since an error's
// text goes to our own log. It is not what a caller is shown.
func (p *Problem) Error() string {
	s := p.Code
	if p.EN.Title != "" {
		s += ": " + p.EN.Title
	}
	if p.cause != nil {
		s += ": " + p.cause.Error()
	}
	return s
}

// Is compares codes.
func (p *Problem) Is(target error) bool {
	q, ok := target.(*Problem)
	return ok && q.Code == p.Code
}

// Unwrap returns what Because was given.
func (p *Problem) Unwrap() error { return p.cause }

// With returns a copy with one more extension member. The names that RFC 9457
// and we have already taken are a mistake in the program and panic.
func (p *Problem) With(key string, v any) *Problem {
	if reserved(key) {
		panic(fmt.Sprintf("problem: %q is no name for an extension", key))
	}
	q := *p
	q.Extra = maps.Clone(p.Extra)
	if q.Extra == nil {
		q.Extra = map[string]any{}
	}
	q.Extra[key] = v
	return &q
}

// Because returns a copy that carries err for the log.
func (p *Problem) Because(err error) *Problem {
	q := *p
	q.cause = err
	return &q
}

// Internal is our own defect, or a disk or database that does not work.
var Internal = New(OurFault, http.StatusInternalServerError, "internal",
	Text{"こちらの不具合です。", "操作は完了していません。しばらくしてからもう一度お試しください。続くときは下の受付番号をお知らせください。"},
	Text{"Something went wrong on our side.", "Nothing was completed. Try again in a while; if it stays, tell us the request id."})

// Busy is a database or a party that was too slow this time.
var Busy = New(CouldNotCheck, http.StatusServiceUnavailable, "busy",
	Text{"混み合っていて確認できませんでした。", "何も変わっていません。少し待ってからもう一度お試しください。"},
	Text{"Too busy to find out just now.", "Nothing has changed. Wait a moment and try again."})

// From returns the problem in err's chain. A deadline that passed is Busy and
// anything else is Internal, each with err as the cause. From(nil) is nil.
func From(err error) *Problem {
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return Busy.Because(err)
	}
	return Internal.Because(err)
}
