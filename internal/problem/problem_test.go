package problem_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tegata/internal/problem"
)

var errWrongPIN = problem.New(problem.YourTurn, 403, "wrong-pin",
	problem.Text{Title: "暗証番号が違います。", Detail: "あと2回です。"}, problem.Text{Title: "The PIN is wrong.", Detail: "Two tries are left."})

func TestAProblemIsKnownByItsCode(t *testing.T) {
	with := errWrongPIN.With("tries_left", 2)
	if !errors.Is(fmt.Errorf("phone: unlock: %w", with), errWrongPIN) {
		t.Error("a copy with an extension is no longer the same problem")
	}
	if errors.Is(with, problem.Internal) {
		t.Error("two codes are the same problem")
	}
	if errWrongPIN.Extra != nil {
		t.Error("With changed the original")
	}
}

func TestProblemDetailsComeBackAsTheyWere(t *testing.T) {
	sent := errWrongPIN.With("tries_left", 2.0)
	sent.RequestID = "r1"
	data, err := json.Marshal(sent)
	if err != nil {
		t.Fatal(err)
	}
	var got problem.Problem
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(&got, sent, cmp.Comparer(func(a, b problem.Problem) bool {
		return a.Code == b.Code && a.Kind == b.Kind && a.Status == b.Status && a.JA == b.JA && a.EN == b.EN &&
			a.RequestID == b.RequestID && cmp.Equal(a.Extra, b.Extra)
	})); d != "" {
		t.Error(d)
	}
}

func TestFrom(t *testing.T) {
	cases := map[string]struct {
		err  error
		code string
		kind problem.Kind
	}{
		"a problem deep in the chain is found":    {fmt.Errorf("a: %w", errWrongPIN), "wrong-pin", problem.YourTurn},
		"anything else is our fault":              {errors.New("disk full"), "internal", problem.OurFault},
		"a deadline that passed decides nothing":  {fmt.Errorf("a: %w", context.DeadlineExceeded), "busy", problem.CouldNotCheck},
		"a stranger's 503 could not be looked up": {decode(t, `{"status":503,"title":"x"}`), "", problem.CouldNotCheck},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			p := problem.From(c.err)
			if p.Code != c.code || p.Kind != c.kind {
				t.Errorf("got %s %s, want %s %s", p.Kind, p.Code, c.kind, c.code)
			}
		})
	}
	if problem.From(nil) != nil {
		t.Error("no error became a problem")
	}
}

func TestTheCauseIsNotWritten(t *testing.T) {
	data, err := json.Marshal(problem.From(errors.New("no such table: secret_plans")))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); strings.Contains(got, "secret_plans") {
		t.Errorf("the caller reads our cause: %s", got)
	}
}

func decode(t *testing.T, s string) *problem.Problem {
	t.Helper()
	var p problem.Problem
	if err := json.Unmarshal([]byte(s), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}
