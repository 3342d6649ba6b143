package phone

import (
	"context"
	"fmt"
	"net/http"

	"tegata/holder/element"
	"tegata/internal/httpd"
	"tegata/internal/problem"
	"tegata/internal/trace"
	"tegata/issuer/ra"
)

// Terms is the text to agree to, from the authority.
func (p *Phone) Terms(ctx context.Context) (ra.Terms, error) {
	if _, err := p.connected(ctx); err != nil {
		return ra.Terms{}, err
	}
	var t ra.Terms
	err := httpd.GetJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+"/v1/terms", &t)
	return t, err
}

// step has the device key sign claims as an enrolment step and posts it.
func (p *Phone) step(ctx context.Context, path string, claims any, chain [][]byte, out any) error {
	return p.post(ctx, element.TypeEnrolment, path, claims, chain, out)
}

func (p *Phone) post(ctx context.Context, typ, path string, claims any, chain [][]byte, out any) error {
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	compact, err := p.element.SignStep(typ, claims, chain)
	if err != nil {
		return fmt.Errorf("phone: %s: %w", path, err)
	}
	return httpd.PostJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+path, ra.StepBody{Step: compact}, out)
}

// standing asks the authority where a registration stands.
func (p *Phone) standing(ctx context.Context, id string) (ra.Standing, error) {
	if _, err := p.connected(ctx); err != nil {
		return ra.Standing{}, err
	}
	compact, err := p.element.SignStep(element.TypeEnrolment, p.claims(id, ra.StepShow), nil)
	if err != nil {
		return ra.Standing{}, fmt.Errorf("phone: show: %w", err)
	}
	var s ra.Standing
	err = httpd.GetJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+"/v1/enrolments/"+id, &s, httpd.Bearer(compact))
	return s, err
}

// claims are those of every step; the element adds iat and ctr.
func (p *Phone) claims(id string, step ra.StepName) ra.StepClaims {
	return ra.StepClaims{Aud: p.phones.c.Issuer, ID: id, Step: step}
}

// final tells whether an error of the authority means that repeating the same
// step can never help: it was refused, or the registration is over.
func final(err error) bool {
	p := problem.From(err)
	switch p.Code {
	case ra.CodeStepStale, ra.CodeOpenApplication, ra.CodeTermsOutdated:
		return false
	}
	return p.Kind == problem.Refused && p.Status != http.StatusTooManyRequests
}

// endedWhy is what the authority says about why a registration ended; "" when
// err is something else.
func endedWhy(err error) string {
	p := problem.From(err)
	switch p.Code {
	case ra.CodeEnrolmentEnded:
		if why, ok := p.Extra["ended"].(string); ok {
			return why
		}
		return p.Code
	case ra.CodeUnknownEnrolment:
		return p.Code
	}
	return ""
}

func (p *Phone) tell(ctx context.Context, to, kind, ja, en string, detail map[string]string) {
	if detail == nil {
		detail = map[string]string{}
	}
	detail["phone"] = p.id
	p.phones.c.Trace.Note(ctx, trace.Event{At: p.now(), From: "phone", To: to, Kind: kind, TitleJA: ja, TitleEN: en, Detail: detail})
}
