package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"tegata/internal/audit"
	"tegata/internal/ceremony"
	"tegata/internal/jws"
	"tegata/internal/problem"
	"tegata/internal/trace"
)

// How long things live after an answer.
const (
	codeLife     = 60 * time.Second // the response code in the browser's address
	resultLife   = 5 * time.Minute  // the result, for its party
	crossSession = 30 * time.Minute // a session that stands on an answer from another device, or at a terminal
)

// finish stores the verdict: the nonce is used up in the same transaction.
func (g *Gateway) finish(ctx context.Context, a *attempt, failure error) (ceremony.Taken, error) {
	o := Outcome{Request: a.request.ID, At: a.at, Person: a.person, AMR: a.claims.AMR, EraseAt: a.at.Add(resultLife)}
	var why ceremony.Text
	if p, ok := errors.AsType[*problem.Problem](failure); ok {
		o.Code, why = p.Code, ceremony.Text{JA: p.JA.Title, EN: p.EN.Title}
	}
	o.Verdict, o.SubIndication = subIndication(o.Code)
	if a.claims.Decision == ceremony.Refuse && o.Code == ErrHolderRefused.Code {
		o.Reason = a.claims.Reason
	}
	if o.Code == ErrSignedOther.Code || o.Code == ErrSignedWrong.Code {
		o.Wrong = a.wrong
	}
	if o.Verdict == ceremony.Passed {
		o.Claims, o.Signed = a.given, a.judged
	}
	if a.leaf != nil { // a declined request has no answer, no receipt and no user
		o.Answer, o.Certificate = a.answer.Hash(), sha256.Sum256(a.leaf.Raw)
		whose := a.request.Party
		if a.asked.OnBehalfOf != "" { // the holder remembers who it was for, not who passed it on
			whose = a.asked.OnBehalfOf
		}
		p, err := g.c.Store.Party(ctx, whose)
		if err != nil {
			return ceremony.Taken{}, fmt.Errorf("gateway: verdict %s: %w", o.Request, err)
		}
		o.Use = &ceremony.Use{
			At: a.at.Unix(), Party: whose, Name: p.Name, Purpose: a.asked.Purpose.Sentence, Kind: a.asked.Kind,
			Risk: a.asked.Risk, Channel: a.asked.Channel, Verdict: o.Verdict, Code: o.Code, Why: why,
			PurposeCode: a.asked.Purpose.Code, AMR: a.claims.AMR, Category: a.bound.category, Receipt: ceremony.NewID(),
		}
		o.Use.Document, o.Use.Documents = a.asked.UsedDocuments()
		if t := a.asked.Terminal; t != nil {
			o.Use.Terminal, o.Use.Place = t.ID, t.Place
		}
		if o.Verdict == ceremony.Passed {
			o.Use.Claims, o.Session, o.Count, o.Opening = a.claims.Granted, g.session(a), a.bound.count(a.at), g.opening(a)
		}
		if o.Receipt, err = g.receipt(a, o); err != nil {
			return ceremony.Taken{}, fmt.Errorf("gateway: verdict %s: %w", o.Request, err)
		}
	}
	taken := ceremony.Taken{Verdict: o.Verdict}
	if a.request.Channel == ceremony.Same {
		code := ceremony.NewID()
		o.ResponseCode, o.CodeUntil = sha256.Sum256([]byte(code)), a.at.Add(codeLife)
		taken.Redirect = a.request.ReturnURL + "?response_code=" + code
	}
	who := audit.Actor{Party: g.c.ID, Kind: "person", ID: o.Person}
	if o.Person == "" {
		who = audit.System(g.c.ID)
	}
	if err := g.c.Store.Finish(ctx, who, o); errors.Is(err, ErrUsed) {
		return ceremony.Taken{}, ErrRequestUsed
	} else if err != nil {
		return ceremony.Taken{}, fmt.Errorf("gateway: verdict %s: %w", o.Request, err)
	}
	if o.Session != nil { // its certificate may have changed since it was looked up
		if err := g.endSessionsOf(ctx, o.Session.Certificate); err != nil {
			g.watch.put(false, map[CertificateName]bool{o.Session.Certificate: true})
			g.watch.call()
		}
	}
	g.c.Log.InfoContext(ctx, "verdict", "party", a.asked.Issuer, "verdict", o.Verdict, "code", o.Code, "channel", a.request.Channel)
	g.traceVerdict(ctx, a, o)
	if o.Verdict == ceremony.Passed || o.Code == ErrHolderRefused.Code {
		return taken, nil // the phone was told no lie: refusing is what the person wanted
	}
	return taken, failure
}

func (g *Gateway) receipt(a *attempt, o Outcome) (string, error) {
	r := ceremony.Receipt{
		Issuer: g.c.ID, Party: a.asked.Issuer, ID: o.Use.Receipt, Request: jws.Hash(a.request.JWS), Answer: o.Answer,
		Verdict: o.Verdict, SubIndication: o.SubIndication, Code: toldParty(o.Code),
		StatusSource: a.status.Source, At: o.At.Unix(),
	}
	if !a.status.ThisUpdate.IsZero() {
		r.ThisUpdate = a.status.ThisUpdate.Unix()
	}
	return ceremony.SignReceipt(g.c.Sign.Signer, g.c.Sign.Chain, r)
}

func (g *Gateway) traceVerdict(ctx context.Context, a *attempt, o Outcome) {
	e := trace.Event{
		At: o.At, From: "phone", To: g.c.ID, Kind: "verdict",
		TitleJA: "回答を確かめました", TitleEN: "An answer was checked",
		Detail: map[string]string{"verdict": string(o.Verdict), "request": a.request.ID},
	}
	if o.Code != "" {
		e.Detail["code"] = o.Code
	}
	if a.leaf != nil {
		e.Detail["signature"] = string(a.answer.Algorithm()) + ", " + string(a.kind)
		e.Detail["status"] = string(a.status.State) + " (" + a.status.Source + ")"
		e.PEM = pemOf(a.leaf)
		if n := len(a.path); n > 0 {
			// By its label: generations of an authority share a kind and a name, not a key.
			label, _ := Labels(g.c.Anchors)(a.path[n-1])
			e.Check = "openssl verify -x509_strict -CAfile " + label + ".pem holder.pem"
		}
	}
	g.c.Trace.Note(ctx, e)
}

// acr names the risk class in the verifier's own namespace.
func (g *Gateway) acr(r ceremony.Risk) string {
	switch r {
	case ceremony.R3:
		return g.c.Origin + "/acr/r3"
	case ceremony.R2:
		return g.c.Origin + "/acr/r2"
	}
	return g.c.Origin + "/acr/r1"
}
