package oidc

import (
	"context"
	"time"

	"tegata/internal/ceremony"
)

// sweepEvery is how often what is over is erased; noticeEvery how often notices are
// looked for.
const (
	sweepEvery  = time.Minute
	noticeEvery = time.Second
)

// Run ends grants as the gateway tells that their certificates are no longer good, tells
// clients, and erases what is over, until ctx ends. What fails is tried again; meanwhile
// no grant passes whose certificate is not good, see Provider.standing.
func (p *Provider) Run(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.work(ctx)
	}()
	pause := time.Second
	for ctx.Err() == nil {
		err := p.listen(ctx, false)
		if err == nil {
			pause = time.Second
			continue
		}
		if ctx.Err() != nil {
			break
		}
		p.c.Log.WarnContext(ctx, "openid connect: events", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 30*time.Second)
	}
	<-done
	return nil
}

func (p *Provider) work(ctx context.Context) {
	tick := time.NewTicker(noticeEvery)
	defer tick.Stop()
	var swept time.Time
	for {
		if err := p.deliver(ctx); err != nil && ctx.Err() == nil {
			p.c.Log.WarnContext(ctx, "openid connect", "error", err)
		}
		if time.Since(swept) > sweepEvery {
			if err := p.c.Store.SweepOIDC(ctx, p.c.Now()); err != nil && ctx.Err() == nil {
				p.c.Log.WarnContext(ctx, "openid connect", "error", err)
			}
			swept = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// listen waits for events of the gateway's and carries them out: a grant ends with the
// session that it stands on.
func (p *Provider) listen(ctx context.Context, immediately bool) error {
	at := p.c.Now()
	caller, _ := p.caller("", at)
	events, err := p.c.Gateway.Events(ctx, caller, ceremony.EventPoll{ReturnImmediately: immediately})
	if err != nil || len(events.Sets) == 0 {
		return err
	}
	var ack []string
	for id, set := range events.Sets {
		m, err := ceremony.ParseSecurityEvent(set) // from our own process: the signature is for parties outside
		if err != nil {
			return err
		}
		grants, err := p.c.Store.GrantsOfSession(ctx, m.Unverified().Subject.Session.ID)
		if err != nil {
			return err
		}
		for _, g := range grants {
			if err := p.endGrant(ctx, g, whyCertificate+m.Unverified().Events[ceremony.SessionRevoked].State, at); err != nil {
				return err
			}
		}
		ack = append(ack, id)
	}
	none := 0
	_, err = p.c.Gateway.Events(ctx, caller, ceremony.EventPoll{Ack: ack, MaxEvents: &none})
	return err
}
