package gateway

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/clock"
	"tegata/internal/problem"
)

// Codes by which the issuer tells a person of a change of their rules over the second
// channel. The verifier knows no address, and says no word of its own.
const (
	TellRaised   = "limits-raised"
	TellLoosened = "limits-loosened"
	TellEnded    = "limits-ended"
)

// tellOf is the code for rules that the card made hold.
func tellOf(rules ceremony.Rules) string {
	if rules.Empty() {
		return TellEnded
	}
	return TellLoosened
}

// tells says whether the issuer can tell anybody: without one, the certificate is all that
// is known of a person.
func (g *Gateway) tells(code string) string {
	if g.c.Issuer == "" {
		return ""
	}
	return code
}

// tellRound is how many are told in one go.
const tellRound = 50

// tellAgain is when the issuer is asked again: five seconds after the first try, then
// twice as long each time, at most an hour.
func tellAgain(tries int) time.Duration { return min(5*time.Second<<min(tries, 20), time.Hour) }

// RunTellings has people told of changes of their rules until ctx ends, looking every so
// often. A change holds whether or not anybody could be told.
func (g *Gateway) RunTellings(ctx context.Context, every time.Duration) error {
	return clock.Every(ctx, every, g.TellDue, func(err error) { g.c.Log.ErrorContext(ctx, "changes of rules could not be told", "error", err) })
}

// TellDue tries once each telling that is due. Several processes may do it at the same
// time: a try is counted and put off before it is made.
func (g *Gateway) TellDue(ctx context.Context) error {
	at := g.c.Now().UTC()
	list, err := g.c.Store.TellingsDue(ctx, at, tellRound)
	if err != nil {
		return fmt.Errorf("gateway: tellings: %w", err)
	}
	for _, t := range list {
		mine, err := g.c.Store.ClaimTelling(ctx, t, at.Add(tellAgain(t.Tries)))
		if err != nil {
			return fmt.Errorf("gateway: tellings: %w", err)
		}
		if !mine {
			continue
		}
		why := ""
		if err := g.tell(ctx, t, at); err != nil {
			p, ok := errors.AsType[*problem.Problem](err)
			if !ok || p.Code != "unknown-person" && p.Code != "bad-request" {
				g.c.Log.WarnContext(ctx, "a change of rules could not be told; it is tried again", "tries", t.Tries+1, "error", err)
				continue
			}
			why = p.Code // and never can be
			g.c.Log.ErrorContext(ctx, "a change of rules cannot be told", "error", err)
		}
		if err := g.c.Store.SettleTelling(ctx, audit.System("verifier"), t.ID, at, why); err != nil {
			return fmt.Errorf("gateway: tellings: %w", err)
		}
	}
	return nil
}

func (g *Gateway) tell(ctx context.Context, t Telling, at time.Time) error {
	in := struct {
		ID     string `json:"id"`
		Person string `json:"person"`
		Code   string `json:"code"`
	}{t.ID, t.Person, t.Code}
	return g.askIssuer(ctx, "/v1/verifier/notices", in, &struct{}{}, at)
}
