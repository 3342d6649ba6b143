package bank

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"tegata/internal/ui"
	"tegata/services/notice"
)

// After an account was opened there are some days in which its customer may say that it was
// not their will: they, or whoever reads the bank's letter, at the address of which the
// register knows, whoever stood beside them when they signed.

// Cooling is how long an opening may be undone without a reason. CoolingLimit is how much
// goes out of the account on one day until then, by whatever way, in yen.
const (
	Cooling      = 8 * 24 * time.Hour
	CoolingLimit = 10_000
)

// Word is a letter that the bank posts to an account's customer, and the hash of the link in
// it by which whoever reads it may hold the account.
type Word struct {
	Link   [32]byte
	Letter notice.Letter
}

// CoolingStore keeps what is peculiar to the days after an opening.
type CoolingStore interface {
	// Open opens an application that is under review: it draws the next account number, and
	// posts word. The opening may be undone until then. ErrMoved.
	Open(ctx context.Context, at time.Time, id string, r Record, until time.Time, w Word) error
	// Undo ends an account whose opening may be undone, and its mandates. Money that is left in
	// it leaves the ledger as Returned. Undoing it again changes nothing. It returns
	// ErrNotFound, ErrCooled, or ErrSecurities while a securities account hangs on it.
	Undo(ctx context.Context, at time.Time, sub string, p Product, tell notice.Letter) error
	// ByLink is the account that a letter's link holds, the last letter's or an earlier one's. It
	// returns ErrNotFound, also when the days are over or the account is.
	ByLink(ctx context.Context, link [32]byte) (Application, error)
	// Hold stops whatever goes out of the account, as long as its opening may be undone.
	// Holding a held one changes nothing. It returns ErrNotFound or ErrCooled.
	Hold(ctx context.Context, at time.Time, link [32]byte, tell notice.Letter) error
	// Release ends a hold by what its customer signed, which is kept: the days begin anew, with
	// another word, beside whose link those of earlier letters go on to serve. The same paper again changes nothing. ErrMoved.
	Release(ctx context.Context, at time.Time, p Paper, until time.Time, w Word) error
	// Cooled ends the days that are over.
	Cooled(ctx context.Context, at time.Time) error
	// Outbox is post after the letter of an ID, the oldest first.
	Outbox(ctx context.Context, after string, most int) ([]notice.Notice, error)
}

// Held says whether nothing goes out of the account until its customer releases it.
func (a Application) Held() bool { return a.State == Opened && !a.HeldAt.IsZero() }

// Undoable says whether the opening may still be undone at a moment.
func (a Application) Undoable(at time.Time) bool {
	return a.State == Opened && (!a.HeldAt.IsZero() || at.Before(a.CoolUntil))
}

// PostalAddress is where the bank's letters to the customer go: what the register says, and
// nothing that somebody typed.
func (a Application) PostalAddress() string {
	return a.Attributes.Address + "　" + a.Attributes.Name + " 様"
}

// word is what is posted when an account of a product is opened, or released.
func (b *Bank) word(p Product, released bool, until time.Time) Word {
	link := rand.Text()
	return Word{sha256.Sum256([]byte(link)), openedLetter(p, released, until, b.conf.Origin+"/hold/"+link)}
}

func linkOf(text string) [32]byte { return sha256.Sum256([]byte(text)) }

// Undo ends an account whose opening may be undone, without a reason, and tells creditors.
// It returns ErrNotFound, ErrCooled, ErrSecurities.
func (b *Bank) Undo(ctx context.Context, sub string, p Product) error {
	if err := b.conf.Store.Undo(ctx, b.conf.Now(), sub, p, undoneLetter(p)); err != nil {
		return err
	}
	return b.tellCreditors(context.WithoutCancel(ctx), b.conf.Now())
}

// ByLink is the account that a letter's link holds. It returns ErrNotFound, and ErrCooled
// when it may not be held any more.
func (b *Bank) ByLink(ctx context.Context, link string) (Application, error) {
	a, err := b.conf.Store.ByLink(ctx, linkOf(link))
	if err == nil && !a.Undoable(b.conf.Now()) {
		err = ErrCooled
	}
	return a, err
}

// Hold stops whatever goes out of an account, by its letter's link: a stranger who has it
// can do no more than that. It returns ErrNotFound, ErrCooled.
func (b *Bank) Hold(ctx context.Context, link string) error {
	a, err := b.ByLink(ctx, link)
	if err != nil {
		return err
	}
	return b.conf.Store.Hold(ctx, b.conf.Now(), linkOf(link), heldLetter(a.Choices.Product))
}

var productWords = map[Product][2]string{Deposit: {"普通預金口座", "an ordinary deposit account"}, Securities: {"証券口座", "a securities account"}}

// openedLetter tells of an account and how to undo it. Like every letter of the bank's it has
// no number and no name inside: more than one person opens a household's post.
func openedLetter(p Product, released bool, until time.Time, url string) notice.Letter {
	name, when := productWords[p], until.In(japan).Format("2006-01-02 15:04")
	ja, en := "手形銀行に口座を開きました。", "An account was opened at Tegata Bank."
	if released {
		ja, en = "手形銀行の口座の停止を解きました。", "Your account at Tegata Bank is on hold no more."
	}
	return notice.New("bank-opened", ja,
		"あなたの署名による、"+name[0]+"です。\n"+when+"（日本時間）まで、理由なしに取り消せます。手形銀行にログインして「口座の開設を取り消す」を押してください。\n"+
			"それまでに口座から出せるお金は、1日に合わせて"+ui.Yen(ui.JA, CoolingLimit)+"までです。\n身に覚えがないときや、人に言われて開いたときは、次のリンクを開いて口座を止めてください。ログインは要りません。\n"+url,
		en,
		"It is "+name[1]+", by your signature.\nUntil "+when+" (Japan time) you can undo it without a reason: log in at Tegata Bank and press “Undo the opening”.\n"+
			"Until then no more than "+ui.Yen(ui.EN, CoolingLimit)+" a day goes out of it in all.\nIf this was not you, or somebody made you do it, open this link and put the account on hold. No login is needed.\n"+url)
}

func undoneLetter(p Product) notice.Letter {
	name := productWords[p]
	return notice.New("bank-undone", "手形銀行の口座の開設を取り消しました。", name[0]+"です。残っていたお金は、支店でカードを確かめてお返しします。",
		"The opening of an account at Tegata Bank was undone.", "It was "+name[1]+". Money that was left in it is given back at a branch, where your card is read.")
}

// closedLetter tells of an account that was closed while its opening could be undone.
func closedLetter(p Product) notice.Letter {
	name := productWords[p]
	return notice.New("bank-closed", "手形銀行の口座を解約しました。", name[0]+"です。ログインして解約されました。身に覚えがないときは、支店へお越しください。",
		"An account at Tegata Bank was closed.", "It was "+name[1]+". Somebody logged in and closed it. If this was not you, come to a branch.")
}

func heldLetter(p Product) notice.Letter {
	name := productWords[p]
	return notice.New("bank-held", "手形銀行の口座を止めました。",
		name[0]+"です。手紙のリンクから止められました。お金は出ません。\n手形銀行にログインして、開設を取り消すか、署名して停止を解いてください。ログインできないときは、支店へお越しください。",
		"An account at Tegata Bank is on hold.",
		"It is "+name[1]+". It was put on hold by the link in a letter, and no money goes out.\nLog in at Tegata Bank and undo the opening, or end the hold by a signature. If you cannot log in, come to a branch.")
}
