package pages

import (
	"context"
	"time"

	"tegata/holder/element"
	"tegata/holder/phone"
	"tegata/internal/secret"
	"tegata/issuer/ra"
)

// Phone is what the pages press of a phone; *phone.Phone is one.
type Phone interface {
	ID() string
	Look(ctx context.Context) (phone.Look, error)
	LookNow(ctx context.Context) (phone.Look, error)
	Needs(ctx context.Context) ([]phone.Need, error)
	Terms(ctx context.Context) (ra.Terms, error)
	Apply(ctx context.Context, card secret.Password, terms string, replace bool) error
	Resume(ctx context.Context) error
	Replace(ctx context.Context) error
	CheckPIN(ctx context.Context, pin secret.PIN) error
	CheckPassword(ctx context.Context, password, card secret.Password) error
	MakeKeys(ctx context.Context, pin secret.PIN, password, card secret.Password) error
	Register(ctx context.Context) (secret.LockCode, error)
	NotedLockCode(ctx context.Context) error
	Abandon(ctx context.Context) error
	Fetch(ctx context.Context, link string) (phone.Ask, error)
	FetchElsewhere(ctx context.Context, link string) (phone.Ask, error)
	Asked(ctx context.Context, id string) (phone.Ask, error)
	Answer(ctx context.Context, id string, reply phone.Reply) (phone.Outcome, error)
	PresentedAt() string // the slot of a terminal; "" for none
	Handed() (h phone.Handed, any bool)
	// Compatible switches compatibility mode on; IsCompatible is it as it stands.
	Compatible(ctx context.Context, pin secret.PIN) (element.Compatible, error)
	IsCompatible() (element.Compatible, bool)
	EndCompatible()
	TakeAway() bool
	ChangePIN(ctx context.Context, old, next secret.PIN) error
	ChangePassword(ctx context.Context, old, next secret.Password) error
	Arrives(ctx context.Context) bool // a card, within a moment
	CardTries(ctx context.Context) (left phone.CardTries, known bool)
	ResetPIN(ctx context.Context, password secret.Password, pin secret.PIN) error
	Unlock(ctx context.Context, pin secret.PIN) error
	UnlockWith(ctx context.Context, a element.Assertion) error
	BeginBiometrics(ctx context.Context, pin secret.PIN) (element.Creation, error)
	EnrolBiometrics(ctx context.Context, a element.Attestation) error
	BiometricsCancelled(ctx context.Context) error
	StopBiometrics(ctx context.Context) error
	Challenge(ctx context.Context, ask string) (element.Challenge, error)
	BiometricsFailed(ctx context.Context) error
	Prefer(ctx context.Context, way string) error
	SetQuiet(ctx context.Context, pin secret.PIN, q element.Quiet) error
	Uses(ctx context.Context, limit int) ([]phone.Use, error)
	SignedDocuments(ctx context.Context) ([]phone.SignedDocument, phone.Room, error)
	SignedDocument(ctx context.Context, id string) (phone.SignedCopy, error)
	EraseSigned(ctx context.Context, id string) error
	EraseAllSigned(ctx context.Context) error
	RemoveCard(ctx context.Context) error
	Set(ctx context.Context, change phone.Change) error
	Stop(ctx context.Context) (phone.Receipt, error)
	RevokeByCard(ctx context.Context, pin secret.PIN) (phone.Receipt, error)
	ForceStop(ctx context.Context) error
	Deliver(ctx context.Context) error
	Found(ctx context.Context, pin secret.PIN) error
	ReportLost(ctx context.Context, pin secret.PIN) (time.Time, error)
	LooseningOf(ctx context.Context, link string) (phone.Loosening, error)
	Loosen(ctx context.Context, pin secret.PIN, l phone.Loosening) error
	ChangeContact(ctx context.Context, pin secret.PIN, address string) (from time.Time, err error)
	KeepContact(ctx context.Context, pin secret.PIN) error
	ApplyForSign(ctx context.Context, card secret.Password, terms string, replace bool) error
	RenewSign(ctx context.Context, card secret.Password, terms string, replace bool) error
	MakeSignKey(ctx context.Context, password, card secret.Password) error
	MakeSupportNumber(ctx context.Context) (phone.SupportNumber, error)
	SupportNumber() (phone.SupportNumber, bool)
}

// Phones is the phones of this machine.
type Phones interface {
	// All returns them in the order in which they were made.
	All(ctx context.Context) ([]Phone, error)
	// Find returns a phone by id; phone.ErrNoPhone.
	Find(ctx context.Context, id string) (Phone, error)
}

// Machine is the phones of package phone as these pages take them.
type Machine struct{ Phones *phone.Phones }

// All returns the phones in the order in which they were made.
func (m Machine) All(ctx context.Context) ([]Phone, error) {
	all, err := m.Phones.All(ctx)
	out := make([]Phone, len(all))
	for i, p := range all {
		out[i] = p
	}
	return out, err
}

// Find returns a phone by id; phone.ErrNoPhone.
func (m Machine) Find(ctx context.Context, id string) (Phone, error) {
	p, err := m.Phones.Find(ctx, id)
	if err != nil { // a nil *phone.Phone in the interface would not be nil
		return nil, err
	}
	return p, nil
}
