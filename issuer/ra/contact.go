package ra

import (
	"context"
	"fmt"
	"net/mail"
	"time"

	"tegata/internal/audit"
	"tegata/internal/cardword"
)

// contactDelay is how long a changed address waits: whoever changes it without
// right must not also receive the warning.
const contactDelay = 24 * time.Hour

// maxAddress is the length of a path without its brackets (RFC 5321, section 4.5.3.1.3).
const maxAddress = 254 // octets

// ContactChange is the body of POST /v1/contact-changes: from tomorrow on notices shall
// go to another address. Of POST /v1/contact-changes/withdrawal it has the word alone.
type ContactChange struct {
	Word    []byte  `json:"word"` // CMS, DER, by the card: change-contact, or keep-contact
	Contact Contact `json:"contact,omitzero"`
}

// ContactChanging answers both. It never says which address.
type ContactChanging struct {
	From time.Time `json:"from,omitzero"` // when it takes effect; absent: nothing will change
}

// MailAddress tells whether s is an address to which a notice can be mailed: one, bare,
// and without any sign that is not printed.
func MailAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s || len(s) > maxAddress {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f { // RFC 6531 is no matter of course on the way
			return false
		}
	}
	return true
}

// ChangeContact lets notices go to another address of the person whose card says so, in
// 24 hours. The present address is told at once; until then the card takes it back. Said
// again, with a new word, nothing changes. The present address, said while another waits,
// takes that back: the answer then has no moment.
//
// Errors: ErrContactForm, ErrContactSame, or what is wrong with the card's word.
func (r *RA) ChangeContact(ctx context.Context, c ContactChange) (ContactChanging, error) {
	at := r.at()
	if c.Contact.Channel != ChannelMail || !MailAddress(c.Contact.Address) {
		return ContactChanging{}, ErrContactForm
	}
	word, signed, err := parseCardWord(c.Word, WordChangeContact, at)
	if err != nil {
		return ContactChanging{}, err
	}
	if word.ContactSHA256 != cardword.ContactHash(c.Contact.Channel, c.Contact.Address) {
		return ContactChanging{}, ErrWordMalformed.Because(fmt.Errorf("ra: the word is about another address"))
	}
	var out ContactChanging
	err = r.spoken(ctx, word, signed, at, func(tx Tx, p PersonRecord) (refusal, err error) {
		out = ContactChanging{}
		switch waits := p.contactWaits(at); {
		case p.contact(at) == c.Contact && waits: // whoever asked for the other address
			return nil, r.keepContact(ctx, tx, at, p)
		case p.contact(at) == c.Contact:
			return ErrContactSame, nil
		case waits && p.NewContact == c.Contact:
			out.From = p.ContactFrom
			return nil, nil
		}
		if err := r.changeContact(ctx, tx, at, &p, c.Contact); err != nil {
			return nil, err
		}
		out.From = p.ContactFrom
		if err := tx.PutPerson(ctx, p); err != nil {
			return nil, err
		}
		return nil, tx.Audit(ctx, at, audit.Actor{Party: "card", Kind: "person", ID: p.ID}, "contact-change", p.ID, map[string]string{"from": out.From.Format(time.RFC3339)})
	})
	return out, err
}

// KeepContact takes back a change that has not taken effect, whoever asked for it: the
// card says so. ErrNoContactChange, or what is wrong with the card's word.
func (r *RA) KeepContact(ctx context.Context, der []byte) (ContactChanging, error) {
	at := r.at()
	word, signed, err := parseCardWord(der, WordKeepContact, at)
	if err != nil {
		return ContactChanging{}, err
	}
	return ContactChanging{}, r.spoken(ctx, word, signed, at, func(tx Tx, p PersonRecord) (refusal, err error) {
		if !p.contactWaits(at) {
			return ErrNoContactChange, nil
		}
		return nil, r.keepContact(ctx, tx, at, p)
	})
}

// keepContact takes the change that waits back, and tells the address that stays.
func (r *RA) keepContact(ctx context.Context, tx Tx, at time.Time, p PersonRecord) error {
	p.NewContact, p.ContactFrom = Contact{}, time.Time{}
	if err := tx.PutPerson(ctx, p); err != nil {
		return err
	}
	if err := r.notify(ctx, tx, at, p, notice{kind: NoticeContactKept}); err != nil {
		return err
	}
	return tx.Audit(ctx, at, audit.Actor{Party: "card", Kind: "person", ID: p.ID}, "contact-kept", p.ID, nil)
}

// changeContact puts a new address in waiting, in place of one that waits, and tells the
// present one. The record is the caller's to write.
func (r *RA) changeContact(ctx context.Context, tx Tx, at time.Time, p *PersonRecord, to Contact) error {
	p.Contact = p.contact(at)
	p.NewContact, p.ContactFrom = to, at.Add(contactDelay)
	return r.notify(ctx, tx, at, *p, notice{kind: NoticeContact, until: p.ContactFrom})
}

// contact is where notices go at a moment, though the clock's work may not have come to
// it yet.
func (p PersonRecord) contact(at time.Time) Contact {
	if !p.ContactFrom.IsZero() && !p.contactWaits(at) {
		return p.NewContact
	}
	return p.Contact
}

// contactWaits tells whether a new address has not taken effect.
func (p PersonRecord) contactWaits(at time.Time) bool {
	return !p.ContactFrom.IsZero() && at.Before(p.ContactFrom)
}

// takeContacts lets the new addresses take effect whose time has come, a person a
// transaction, and tells each that it does.
func (r *RA) takeContacts(ctx context.Context, at time.Time) error {
	for {
		var ids []string
		err := r.store.Read(ctx, func(tx Tx) (err error) {
			ids, err = tx.ContactsDue(ctx, at, batch)
			return err
		})
		if err != nil || len(ids) == 0 {
			return err
		}
		for _, id := range ids {
			if err := r.takeContact(ctx, id, at); err != nil {
				return err
			}
		}
	}
}

func (r *RA) takeContact(ctx context.Context, id string, at time.Time) error {
	return r.store.Write(ctx, func(tx Tx) error {
		p, err := tx.Person(ctx, id)
		if err != nil || p.ContactFrom.IsZero() || p.contactWaits(at) { // done, or taken back, meanwhile
			return err
		}
		p.Contact, p.NewContact, p.ContactFrom = p.NewContact, Contact{}, time.Time{}
		if err := tx.PutPerson(ctx, p); err != nil {
			return err
		}
		if !p.Died {
			if err := r.notify(ctx, tx, at, p, notice{kind: NoticeContactNew}); err != nil {
				return err
			}
		}
		return tx.Audit(ctx, at, audit.System("issuer"), "contact-changed", p.ID, nil)
	})
}
