package phone

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"tegata/holder/eid"
	"tegata/holder/element"
	"tegata/internal/cardword"
	"tegata/internal/ceremony"
	"tegata/internal/cms"
	"tegata/internal/httpd"
	"tegata/internal/pki"
	"tegata/internal/secret"
	"tegata/internal/trace"
	"tegata/issuer/ra"
)

// Found resumes a phone that was reported lost, or is suspected, and is in its
// holder's hand again (見つかった): the card held to it says so, unlocked by its PIN.
// The authentication certificate works again; the one for signatures has ended, and
// ApplyForSign brings another.
func (p *Phone) Found(ctx context.Context, pin secret.PIN) error {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return err
	}
	_, live, _, err := p.enrolments(ctx)
	switch {
	case err != nil:
		return err
	case live == nil:
		return ErrNotRegistered
	}
	device, err := p.element.DeviceKeyHash()
	if err != nil {
		return fmt.Errorf("phone: device key: %w", err)
	}
	word, err := p.word(ctx, pin, cardword.Word{Purpose: cardword.Resume, Enrolment: live.ID, DeviceKeySHA256: hex.EncodeToString(device)})
	if err != nil {
		return err
	}
	return p.resumed(ctx, live, word)
}

// ReportLost suspends the phone of whoever's card is held to this one: any phone will
// do, a borrowed one too, and nothing of it stays here. It can do nothing but suspend.
func (p *Phone) ReportLost(ctx context.Context, pin secret.PIN) (time.Time, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return time.Time{}, err
	}
	word, err := p.word(ctx, pin, cardword.Word{Purpose: cardword.Suspend})
	if err != nil {
		return time.Time{}, err
	}
	var s ra.Suspended
	err = httpd.PostJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+"/v1/suspensions", ra.Suspension{Word: word}, &s)
	return s.At, err
}

// word has the card that is held to the phone sign w under its PIN.
func (p *Phone) word(ctx context.Context, pin secret.PIN, w cardword.Word) ([]byte, error) {
	t, err := p.tap(ctx)
	if err != nil {
		return nil, err
	}
	j, err := eid.Open(ctx, t)
	if err != nil {
		return nil, cardProblem(err)
	}
	if j.Phone() {
		return nil, ErrNotACard
	}
	signer, err := j.Signer(ctx, eid.AuthPIN, pin)
	if err != nil {
		return nil, p.cardRefused(ctx, cardProblem(err))
	}
	now := p.now()
	w.CertificateSHA256, w.Nonce = pki.Fingerprint(signer.Certificate().Raw), ceremony.NewID()
	w.Time = now.UTC().Truncate(time.Second).Format(time.RFC3339)
	signed, err := cms.Sign(signer, signer.Certificate(), w.Canonical(), now, false)
	if err != nil {
		return nil, cardProblem(err)
	}
	return signed, nil
}

func (p *Phone) resumed(ctx context.Context, live *Enrolment, word []byte) error {
	var r ra.Resumed
	claims := ra.ResumeClaims{CheckInClaims: ra.CheckInClaims{StepClaims: p.claims(live.ID, ra.StepResume)}, Word: word}
	if err := p.post(ctx, element.TypeCheckIn, "/v1/resumptions", claims, nil, &r); err != nil {
		if why := endedWhy(err); why != "" {
			return p.gone(ctx, live, why, err)
		}
		if final(err) {
			if noted := p.note(ctx, refusal(UseFound, err)); noted != nil {
				return noted
			}
		}
		return err
	}
	now := p.now()
	live.Holds, live.LastCheckIn, live.NextCheckIn, live.SignEnded = r.Holds, now, now.Add(checkInEvery), r.Reissue
	if err := p.keep(ctx, live); err != nil {
		return err
	}
	p.phones.c.Trace.Note(ctx, trace.Event{At: now, From: "card", To: "phone", Kind: "signature", Detail: map[string]string{"phone": p.id},
		TitleJA: "カードが、スマホが手元にあることに署名しました", TitleEN: "The card signed that the phone is in its holder's hand"})
	return p.note(ctx, &Use{Kind: UseFound, Result: ResultDone})
}
