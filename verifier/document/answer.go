package document

import (
	"time"

	"tegata/internal/ceremony"
	"tegata/internal/certpath"
	"tegata/internal/pki"
	"tegata/internal/problem"
)

// Words are why something did not pass, for people and programs.
type Words struct {
	Code     string `json:"code,omitempty"`
	Title    string `json:"title,omitempty"` // Japanese, as in problem details
	TitleEN  string `json:"title_en,omitempty"`
	Detail   string `json:"detail,omitempty"`
	DetailEN string `json:"detail_en,omitempty"`
}

func wordsOf(p *problem.Problem) Words {
	if p == nil {
		return Words{}
	}
	return Words{Code: p.Code, Title: p.JA.Title, TitleEN: p.EN.Title, Detail: p.JA.Detail, DetailEN: p.EN.Detail}
}

// Answer is a report as JSON: of POST /v1/verify, of `tegata verify -json`, and in
// evidence.
type Answer struct {
	Verdict       ceremony.Verdict  `json:"verdict"`
	SubIndication string            `json:"sub_indication,omitempty"` // ETSI EN 319 102-1
	CheckedAt     time.Time         `json:"checked_at"`
	Signatures    []SignatureAnswer `json:"signatures"`
	Words
}

// SignatureAnswer is the verdict on one signature.
type SignatureAnswer struct {
	Verdict       ceremony.Verdict  `json:"verdict"`
	SubIndication string            `json:"sub_indication,omitempty"`
	Format        string            `json:"format,omitempty"`
	Level         string            `json:"level,omitempty"`
	Signer        *SignerAnswer     `json:"signer,omitempty"`
	ClaimedTime   *time.Time        `json:"claimed_time,omitempty"` // the signer's own word
	ProvenTime    *time.Time        `json:"proven_time,omitempty"`  // a time-stamp's: signed before
	Status        *StatusAnswer     `json:"status,omitempty"`
	TimeStamps    []TimeStampAnswer `json:"time_stamps,omitempty"`
	Words
}

// SignerAnswer says whose certificate it is. Kind and Name are only told of a
// certificate of a trusted authority.
type SignerAnswer struct {
	Kind        pki.Kind `json:"kind,omitempty"`
	Name        string   `json:"name,omitempty"`
	Serial      string   `json:"serial,omitempty"`
	Fingerprint string   `json:"certificate_sha256"`
}

// StatusAnswer is what a verdict knows of the certificate's status.
type StatusAnswer struct {
	State      certpath.State `json:"state"`
	Reason     string         `json:"reason,omitempty"`
	Since      *time.Time     `json:"since,omitempty"`
	ThisUpdate time.Time      `json:"this_update"`
	Source     string         `json:"source"`
}

// TimeStampAnswer is what was found about one time-stamp.
type TimeStampAnswer struct {
	Time  *time.Time `json:"time,omitempty"`
	Valid bool       `json:"valid"`
	Words
}

// Answer is the report as JSON.
func (r Report) Answer(arc pki.Arc) Answer {
	a := Answer{Verdict: r.Verdict, SubIndication: r.SubIndication, CheckedAt: r.At, Words: wordsOf(r.Problem), Signatures: []SignatureAnswer{}}
	for _, one := range r.Signatures {
		a.Signatures = append(a.Signatures, one.answer(arc))
	}
	return a
}

func (r Result) answer(arc pki.Arc) SignatureAnswer {
	a := SignatureAnswer{
		Verdict: r.Verdict, SubIndication: r.SubIndication, Format: r.Format, Level: r.Level, Words: wordsOf(r.Problem),
		ClaimedTime: moment(r.Claimed), ProvenTime: moment(r.Proven),
	}
	if c := r.Certificate; c != nil {
		a.Signer = &SignerAnswer{Kind: r.Kind, Fingerprint: pki.Fingerprint(c.Raw)}
		if s, ok := pki.SerialFromBig(c.SerialNumber); ok {
			a.Signer.Serial = s.String()
		}
		if len(r.Path) > 0 {
			if facts, err := pki.ParseAttributes(arc, c); err == nil {
				a.Signer.Name = facts.Name
			}
		}
	}
	if s := r.Status; s.State != "" {
		a.Status = &StatusAnswer{State: s.State, ThisUpdate: s.ThisUpdate.UTC(), Source: s.Source, Since: moment(s.Since)}
		if s.State == certpath.Revoked || s.State == certpath.Held {
			a.Status.Reason = reasonName(s.Reason)
		}
	}
	for _, t := range r.TimeStamps {
		a.TimeStamps = append(a.TimeStamps, TimeStampAnswer{Time: moment(t.Time), Valid: t.Problem == nil, Words: wordsOf(t.Problem)})
	}
	return a
}

// moment is nil for a time that nobody told.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
