package ui

import (
	"net/http"
	"strings"

	"tegata/internal/problem"
)

// Trouble is a problem as a page shows it: which of the four kinds, what
// happened, what is safe, what to do now, whom to ask, the code in small print.
type Trouble struct {
	Kind      problem.Kind
	Code      string
	Title     Text
	Detail    Text
	Safe      Text   // what is unharmed, e.g. "証明書は使われていません"
	Ask       Text   // whom to ask
	Next      Action // the one thing to do now
	TriesLeft int    // tries left of the secret in question
	Tries     bool   // TriesLeft was said
	RequestID string
	Status    int
}

// TroubleOf is what the problem in err's chain says; an error that is no
// problem is our own fault and says nothing of its text. w, when not nil, is
// the answer being written: its X-Request-Id is shown for questions.
func TroubleOf(w http.ResponseWriter, err error) *Trouble {
	p := problem.From(err)
	t := &Trouble{
		Kind: p.Kind, Code: p.Code, Status: p.Status, RequestID: p.RequestID,
		Title:  Text{JA: p.JA.Title, EN: p.EN.Title},
		Detail: Text{JA: p.JA.Detail, EN: p.EN.Detail},
	}
	if t.RequestID == "" && w != nil {
		t.RequestID = w.Header().Get("X-Request-Id")
	}
	switch n := p.Extra["tries_left"].(type) {
	case int:
		t.TriesLeft, t.Tries = n, true
	case float64: // decoded from another party's JSON
		t.TriesLeft, t.Tries = int(n), true
	}
	return t
}

// With says what is safe and what to do now. What the detail says already is not
// said twice.
func (t *Trouble) With(safe Text, next Action) *Trouble {
	t.Safe, t.Next = safe, next
	if strings.Contains(t.Detail.JA, safe.JA) {
		t.Safe = Text{}
	}
	return t
}

// Icon is the shape of the kind; colour alone never says it.
func (t *Trouble) Icon() string {
	switch t.Kind {
	case problem.Refused:
		return "cross"
	case problem.CouldNotCheck:
		return "ask"
	case problem.YourTurn:
		return "person"
	}
	return "warn"
}

// Says reports whether the title itself says kind, so that it is not said
// twice: こちらの不具合です。
func (t *Trouble) Says(kind string) bool {
	for _, title := range []string{t.Title.JA, t.Title.EN} {
		if strings.TrimRight(title, "。.") == kind {
			return true
		}
	}
	return false
}

// TroublePage is the data of the page "trouble" that every site has.
type TroublePage struct {
	Trouble *Trouble
	More    []Action // other ways on
}

// Fail answers with the page of a problem: the problem's own status, what is
// safe, the one thing to do now and one way back. It returns the error of
// Render.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, frame *Frame, err error, safe Text, next Action, more ...Action) error {
	t := TroubleOf(w, err).With(safe, next)
	return s.Render(w, r, Screen{
		Page: "trouble", Data: TroublePage{Trouble: t, More: more}, Status: t.Status, Frame: frame,
	})
}
