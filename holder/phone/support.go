package phone

import (
	"context"
	"errors"
	"net/http"
	"time"

	"tegata/holder/element"
	"tegata/internal/problem"
	"tegata/issuer/ra"
)

// ErrNoSupport is a phone that the authority does not know.
var ErrNoSupport = problem.NewYourTurn(409, "no-support-number",
	"サポート番号は、利用申請を送ったあとで作れます。", "申請がまだのときや、スマホを消去したあとは、画面に出ている番号（エラーの番号）を電話で伝えてください。",
	"A support number can be made once an application was sent.", "Before that, or after the phone was wiped, tell the helpdesk the code that the screen shows.")

// recentErrors is how old the error may be that a support number carries.
const recentErrors = 24 * time.Hour

// SupportNumber is what the person tells a helpdesk, and until when it shows anything.
type SupportNumber struct {
	Number string    `json:"number"`
	EndsAt time.Time `json:"ends_at"`
}

// MakeSupportNumber has the authority give this phone a support number (サポート番号).
// What goes with it are codes: how far the registration is, the last error, and the tries
// that are left. Another one closes the one before. ErrNoSupport.
func (p *Phone) MakeSupportNumber(ctx context.Context) (SupportNumber, error) {
	p.work.Lock()
	defer p.work.Unlock()
	open, live, last, err := p.enrolments(ctx)
	if err != nil {
		return SupportNumber{}, err
	}
	e := live
	switch {
	case live != nil:
	case open != nil && stageOf(open.Step) != StageNone:
		e = open
	case last != nil && len(last.Nonce) > 0: // it arrived, and has ended
		e = last
	default:
		return SupportNumber{}, ErrNoSupport
	}
	claims, err := p.supportClaims(ctx, e.ID)
	if err != nil {
		return SupportNumber{}, err
	}
	var made ra.SupportNumber
	err = p.post(ctx, element.TypeEnrolment, "/v1/support-numbers", claims, nil, &made)
	if errors.Is(err, element.ErrNoKeys) || problem.From(err) != nil && problem.From(err).Code == ra.CodeUnknownEnrolment {
		err = ErrNoSupport.Because(err)
	}
	if err != nil {
		return SupportNumber{}, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.support = SupportNumber{Number: made.Number, EndsAt: made.EndsAt}
	return p.support, nil
}

func (p *Phone) supportClaims(ctx context.Context, enrolment string) (ra.SupportClaims, error) {
	l, err := p.Look(ctx)
	if err != nil {
		return ra.SupportClaims{}, err
	}
	uses, err := p.Uses(ctx, 50)
	if err != nil {
		return ra.SupportClaims{}, err
	}
	c := ra.SupportClaims{StepClaims: p.claims(enrolment, ra.StepSupport), Stage: string(l.Stage),
		PINTries: l.PINTries, PasswordTries: l.PasswordTries, Biometrics: "off"}
	switch {
	case l.Biometrics.Enrolled && l.Biometrics.Why != nil:
		c.Biometrics = "blocked"
	case l.Biometrics.Enrolled:
		c.Biometrics = "on"
	}
	for _, u := range uses {
		if u.Code != "" && u.At.After(l.Now.Add(-recentErrors)) {
			c.Error = u.Code
			break
		}
	}
	return c, nil
}

// SupportNumber is the number that was made last, while it shows anything. It is in
// memory only: after a restart another one is made.
func (p *Phone) SupportNumber() (SupportNumber, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.support, p.support.Number != "" && p.now().Before(p.support.EndsAt)
}

// supportNumber is the door's.
func supportNumber(ctx context.Context, p *Phone, _ *http.Request) (any, error) {
	return p.MakeSupportNumber(ctx)
}
