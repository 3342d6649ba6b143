package guardian

import "tegata/internal/problem"

// What is wrong with an invitation, or with who has it. Nothing was changed.
var (
	// ErrUnknown: no such invitation, or another one took its place.
	ErrUnknown = problem.NewRefused(404, "guardian-unknown",
		"この招待は使えません。", "新しい招待があるかもしれません。お子さんから、もう一度受け取ってください。何も保存していません。",
		"This invitation cannot be used.", "There may be a newer one. Ask the child for it again. Nothing was stored.")
	// ErrOver: it waited for too long, or what it is about came to an end.
	ErrOver = problem.NewRefused(409, "guardian-over",
		"この招待は、期限が過ぎました。", "申し込みは終わっています。必要なら、お子さんがもう一度申し込んでください。何も保存していません。",
		"This invitation is over.", "So is what it was about. The child can apply again. Nothing was stored.")
	// ErrSigned: the consent was given.
	ErrSigned = problem.NewRefused(409, "guardian-signed",
		"この申し込みへの同意は、もう受け取りました。", "招待は1回だけ使えます。することはありません。",
		"The consent was given already.", "An invitation serves once. There is nothing to do.")
	// ErrTaken: somebody else said that they are the guardian.
	ErrTaken = problem.NewRefused(403, "guardian-taken",
		"この招待は、別の方が開いています。", "間違って開かれたときは、お子さんに新しい招待をつくってもらってください。何も保存していません。",
		"Somebody else has opened this invitation.", "If that was a mistake, ask the child for a new one. Nothing was stored.")
	// ErrSelf: the minor themselves.
	ErrSelf = problem.NewRefused(403, "guardian-self",
		"申し込んだご本人は、同意できません。", "親権者の方が、ご自分のスマートフォンでログインしてください。何も保存していません。",
		"Who applied cannot consent.", "A parent or guardian logs in with their own phone. Nothing was stored.")
	// ErrMinor: below 18, who consents for nobody.
	ErrMinor = problem.NewRefused(403, "guardian-minor",
		"同意できるのは、18歳以上の親権者だけです。", "親権者の方が、ご自分のスマートフォンでログインしてください。何も保存していません。",
		"Only somebody of 18 or more can consent.", "A parent or guardian logs in with their own phone. Nothing was stored.")
	// ErrSignature: the signature does not hold, or is not of who drew the document.
	ErrSignature = problem.NewRefused(403, "guardian-signature",
		"同意の署名を受け付けられませんでした。", "ログインした方の、有効な署名ではありません。何も保存していません。",
		"The guardian's signature could not be accepted.", "It is no valid signature of whoever logged in. Nothing was stored.")
	// ErrFacts: the guardian let the service have no name, address or birth date.
	ErrFacts = problem.NewYourTurn(403, "guardian-facts",
		"同意する方の名前・住所・生年月日が必要です。", "もう一度ログインし、スマートフォンで「渡す」にしてください。何も保存していません。",
		"It takes the guardian's name, address and date of birth.", "Log in again and switch them on at the phone. Nothing was stored.")
)
