package mail

import (
	"fmt"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"tegata/issuer/ra"
)

// message is a notice as text/plain in UTF-8, Japanese first. An address that is none
// is an error.
func (s *SMTP) message(n ra.Notice) (*gomail.Msg, error) {
	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := m.From(s.config.From); err != nil {
		return nil, fmt.Errorf("mail: from: %w", err)
	}
	if err := m.To(n.To.Address); err != nil {
		return nil, errAddress // the parser's own words would repeat it
	}
	m.SetMessageIDWithValue(n.ID + "@" + s.config.domain())
	m.SetDateWithValue(n.At)
	m.Subject(n.JA.Title + " / " + n.EN.Title)
	// RFC 3834, section 5: no programme answers what a programme wrote.
	m.SetGenHeader("Auto-Submitted", "auto-generated")
	m.SetGenHeader("Content-Language", "ja, en")
	m.SetBodyString(gomail.TypeTextPlain, text(n))
	return m, nil
}

func text(n ra.Notice) string {
	return strings.Join([]string{
		n.JA.Title, "", n.JA.Body, "",
		"このメールには返信できません。暗証番号、パスワード、停止コードをメールや電話で聞くことはありません。", "",
		"----", "",
		n.EN.Title, "", n.EN.Body, "",
		"Nobody reads answers to this mail. Nobody will ever ask you for a PIN, a password or a lock code by mail or telephone.", "",
	}, "\n")
}
