package carrier

import (
	"crypto/sha256"
	"fmt"
	"net/mail"
	"strings"
	"time"

	"tegata/services/notice"
)

// Letter is what a person is told by mail. It has no name and of the number only its end: a
// mail is read by more than one pair of eyes.
type Letter = notice.Letter

// Mail is a letter to an address, in the outbox.
type Mail = notice.Notice

// AddressLife is how long an address waits for its confirmation; Overlap how long an earlier
// address is told of everything besides.
const (
	AddressLife = 7 * 24 * time.Hour
	Overlap     = 7 * 24 * time.Hour
)

// Address is one of a person's for notices. It is told nothing but its own confirmation
// until it is confirmed.
type Address struct {
	Address     string
	AskedAt     time.Time
	ConfirmedAt time.Time // zero: not yet
	Until       time.Time // zero: on and on
}

// Confirm is an address with the link that confirms it.
type Confirm struct {
	Address string
	Link    Token
	Letter  Letter
}

// TokenOf is of the text in a link, or of a phone's.
func TokenOf(text string) Token { return sha256.Sum256([]byte(text)) }

// Short is the beginning of a phone's, by which two pages and a document may be compared.
func (t Token) Short() string { return fmt.Sprintf("%X", t[:4]) }

// goodAddress tells whether s is one bare mail address (RFC 5321, section 4.1.2).
func goodAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && len(s) <= 254 && !strings.ContainsFunc(s, func(c rune) bool { return c <= ' ' || c > '~' })
}

// ending is all that a letter says of a number.
func ending(number string) string {
	if len(number) < 4 {
		return "----"
	}
	return number[len(number)-4:]
}

func confirmLetter(url string) Letter {
	return notice.New("carrier-confirm", "お知らせの送り先を確認してください。",
		"手形モバイルのお知らせを、このアドレスで受け取る申し込みがありました。\n受け取るときは、次のリンクを開いてください。7日間使えます。\n"+url+"\n心当たりがなければ、何もしないでください。",
		"Confirm where notices go.",
		"Somebody asked Tegata Mobile to send notices to this address.\nTo receive them, open this link within 7 days.\n"+url+"\nIf this was not you, do nothing.")
}

var spokenKind = map[Kind][2]string{
	Reissue:  {"eSIM の再発行", "A new eSIM"},
	PortOut:  {"ほかの会社への乗り換え（MNP）", "Taking the number to another carrier"},
	Unfreeze: {"SIM の変更の凍結の解除", "Lifting the freeze on SIM changes"},
	EndLine:  {"回線の解約", "Ending a line's contract"},
}

func askedLetter(k Kind, number string, due time.Time, url string) Letter {
	s := spokenKind[k]
	when := due.In(japan).Format("2006-01-02 15:04")
	return notice.New("carrier-asked", s[0]+"の申し込みがありました。",
		fmt.Sprintf("末尾 %s の回線です。%s（日本時間）に行います。\n心当たりがなければ、次のリンクを開いて止めてください。ログインは要りません。\n%s\nあなたの申し込みなら、何もしなくて構いません。", ending(number), when, url),
		s[1]+" was asked for.",
		fmt.Sprintf("It is about the line ending in %s and is done at %s (Japan time).\nIf this was not you, open this link and stop it. No login is needed.\n%s\nIf it was you, there is nothing to do.", ending(number), when, url))
}

func endedLetter(k Kind, to ChangeState, number string) Letter {
	s := spokenKind[k]
	switch {
	case to == Done && k == EndLine:
		return contractEndedLetter(number)
	case to == Done:
		return notice.New("carrier-done", s[0]+"が終わりました。", fmt.Sprintf("末尾 %s の回線です。", ending(number)),
			s[1]+": done.", fmt.Sprintf("It is about the line ending in %s.", ending(number)))
	case to == Halted:
		return notice.New("carrier-halted", s[0]+"は行いませんでした。", fmt.Sprintf("末尾 %s の回線です。署名に使った電子証明書が、一時停止中か失効していました。回線はそのままです。", ending(number)),
			s[1]+": not done.", fmt.Sprintf("It is about the line ending in %s. The certificate of the signature was on hold or revoked. The line stays as it is.", ending(number)))
	}
	return notice.New("carrier-vetoed", s[0]+"を止めました。", fmt.Sprintf("末尾 %s の回線です。回線はそのままです。", ending(number)),
		s[1]+": stopped.", fmt.Sprintf("It is about the line ending in %s. The line stays as it is.", ending(number)))
}

func frozenLetter(number string) Letter {
	return notice.New("carrier-frozen", "SIM の変更を凍結しました。", fmt.Sprintf("末尾 %s の回線です。eSIM の再発行・乗り換え・解約を受け付けません。", ending(number)),
		"SIM changes are frozen.", fmt.Sprintf("It is about the line ending in %s. No request for a new eSIM, for a move to another carrier or for the end of the contract is taken.", ending(number)))
}

func contractEndedLetter(number string) Letter {
	return notice.New("carrier-ended", "回線の契約が終わりました。", fmt.Sprintf("末尾 %s の回線です。解約金はありません。", ending(number)),
		"A line's contract has ended.", fmt.Sprintf("It is about the line ending in %s. There is no fee.", ending(number)))
}

func activeLetter() Letter {
	return notice.New("carrier-active", "回線が使えるようになりました。", "ログインして、eSIM をスマートフォンに入れてください。",
		"Your line is active.", "Log in and put the eSIM into your phone.")
}

func stoppedLetter() Letter {
	return notice.New("carrier-stopped", "回線は使えるようになりませんでした。", "開通の前に確かめたところ、署名に使った電子証明書が一時停止中か失効していました。契約は成立していません。",
		"The line was not activated.", "Asked anew before the activation, the certificate of the signature was on hold or revoked. There is no contract.")
}

func movedLetter() Letter {
	return notice.New("carrier-address", "お知らせの送り先が変わりました。", "新しいアドレスが確認されました。あと7日間は、このアドレスにもお知らせを送ります。\n心当たりがなければ、ログインして SIM の変更を凍結してください。",
		"Notices go to another address.", "A new address was confirmed. For 7 more days notices go to this one, too.\nIf this was not you, log in and freeze SIM changes.")
}
