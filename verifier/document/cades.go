package document

import (
	"crypto"
	"slices"

	"tegata/internal/cms"
)

// cades reads CMS messages (ETSI EN 319 122-1).
type cades struct{}

// Is looks for a ContentInfo: a SEQUENCE.
func (cades) Is(data []byte) bool { return len(data) > 0 && data[0] == 0x30 }

// Read returns the one signature of the message.
func (cades) Read(data, content []byte) ([]Signature, error) {
	m, err := cms.Parse(data)
	if err != nil {
		return nil, FromCMS(err)
	}
	s, err := FromMessage("CAdES", m)
	if err != nil {
		return nil, err
	}
	s.Claimed = m.SigningTime
	s.Verify = func() error { return FromCMS(m.Verify(content)) }
	return []Signature{s}, nil
}

// FromMessage makes a Signature of a parsed CMS message of any format: its
// certificates, its unsigned attributes and its level. Claimed and Verify are left to
// the caller. An error is a problem.
func FromMessage(format string, m *cms.Signed) (Signature, error) {
	carried, err := m.ValidationData()
	if err != nil {
		return Signature{}, FromCMS(err)
	}
	s := Signature{
		Format: format, Level: "B-B", Certificate: m.Certificate,
		Certificates: slices.Concat(m.Certificates, carried.Certificates), OCSP: carried.OCSP,
	}
	for _, der := range m.SignatureTimeStamps() {
		s.Level = "B-T"
		s.TimeStamps = append(s.TimeStamps, TimeStamp{DER: der, Imprint: m.SignatureImprint})
	}
	if s.Level == "B-T" && len(carried.OCSP) > 0 {
		s.Level = "B-LT"
	}
	for _, der := range m.ArchiveTimeStamps() {
		if s.Level == "B-LT" {
			s.Level = "B-LTA"
		}
		s.TimeStamps = append(s.TimeStamps, archiveStamp(m, der))
	}
	return s, nil
}

// archiveStamp is one archive-time-stamp-v3. Its imprint is over the content too, which
// is there once the signature was verified.
func archiveStamp(m *cms.Signed, der []byte) TimeStamp {
	t := TimeStamp{DER: der}
	token, err := cms.VerifyTSTInfo(der, m.Certificates...)
	if err != nil {
		return t // open says what is wrong with it
	}
	index, err := m.Covered(token)
	if err != nil {
		return t
	}
	t.Covers = index.Names
	t.Imprint = func(h crypto.Hash) []byte {
		sum, err := m.ArchiveImprint(h, index)
		if err != nil {
			return nil
		}
		return sum
	}
	return t
}
