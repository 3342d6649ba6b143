package phone

import (
	"context"
	"net/http"
	"strings"
	"time"

	"tegata/internal/cardword"
	"tegata/internal/httpd"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// CheckContact says whether notices can be sent to an address, before the card is asked
// for anything: ra.ErrContactForm.
func CheckContact(address string) error {
	if !ra.MailAddress(address) {
		return ra.ErrContactForm
	}
	return nil
}

// ChangeContact lets notices go to another address (お知らせの送り先): the card held to the
// phone says so, unlocked by its PIN. Any phone will do, and nothing of the card or the
// address stays here. It returns when the change takes effect, the zero time when it took
// one back that waits, because the address is the present one; the phone never learns where
// notices go now.
func (p *Phone) ChangeContact(ctx context.Context, pin secret.PIN, address string) (time.Time, error) {
	if err := CheckContact(address); err != nil {
		return time.Time{}, err
	}
	to := ra.Contact{Channel: ra.ChannelMail, Address: address}
	return p.sayContact(ctx, pin, UseContact, "/v1/contact-changes",
		cardword.Word{Purpose: cardword.ChangeContact, ContactSHA256: cardword.ContactHash(to.Channel, to.Address)}, ra.ContactChange{Contact: to})
}

// KeepContact takes back a change of address that has not taken effect: the card says so.
func (p *Phone) KeepContact(ctx context.Context, pin secret.PIN) error {
	_, err := p.sayContact(ctx, pin, UseContactKept, "/v1/contact-changes/withdrawal", cardword.Word{Purpose: cardword.KeepContact}, ra.ContactChange{})
	return err
}

func (p *Phone) sayContact(ctx context.Context, pin secret.PIN, use, path string, w cardword.Word, body ra.ContactChange) (time.Time, error) {
	p.work.Lock()
	defer p.work.Unlock()
	if _, err := p.connected(ctx); err != nil {
		return time.Time{}, err
	}
	var err error
	if body.Word, err = p.word(ctx, pin, w); err != nil {
		return time.Time{}, err
	}
	var out ra.ContactChanging
	if err := httpd.PostJSON(ctx, p.phones.c.Client, p.phones.c.Issuer+path, body, &out); err != nil {
		return time.Time{}, err
	}
	return out.From, p.note(ctx, &Use{Kind: use, Result: ResultDone})
}

// contact is both for a script: without an address the change is taken back.
func contact(ctx context.Context, p *Phone, r *http.Request) (any, error) {
	var in struct {
		Address string     `json:"address"`
		PIN     secret.PIN `json:"card_auth_pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.Address == "" {
		return struct{}{}, p.KeepContact(ctx, in.PIN)
	}
	from, err := p.ChangeContact(ctx, in.PIN, strings.TrimSpace(in.Address))
	return ra.ContactChanging{From: from}, err
}
