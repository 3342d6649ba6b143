package pay

import "tegata/internal/problem"

// Why a wallet does not open, link or close, and why money does not move.
var (
	// ErrSecond: this person has a wallet.
	ErrSecond = problem.NewRefused(409, "pay-second",
		"ウォレットは、おひとり1つです。", "あなたのウォレットは開いています。新しく作ったものはありません。",
		"Each person has one wallet.", "Yours is open. Nothing new was made.")
	// ErrTooYoung: below 15, who has no certificate for signatures.
	ErrTooYoung = problem.NewRefused(403, "pay-too-young",
		"15歳未満の方は、申し込めません。", "何も保存していません。",
		"Below 15 one cannot apply.", "Nothing was stored.")
	// ErrSignature: the signature does not hold, or is not of the person who logged in.
	ErrSignature = problem.NewRefused(403, "pay-signature",
		"署名を受け付けられませんでした。", "ログインした方の、有効な署名ではありません。ウォレットは開いていません。何も保存していません。",
		"The signature could not be accepted.", "It is no valid signature of whoever signed in. No wallet was opened and nothing was stored.")
	// ErrStopped: the holder stopped the wallet.
	ErrStopped = problem.NewYourTurn(403, "pay-stopped",
		"ウォレットは止まっています。", "お金は動いていません。使うには、設定の画面でスマートフォンの確認をして再開してください。",
		"The wallet is stopped.", "No money moved. To use it, start it again in the settings, with your phone.")
	// ErrNight: between 23:00 and 6:00, when no money moves unless the holder changed that.
	ErrNight = problem.NewRefused(403, "pay-night",
		"23時から6時までは、お金は動きません。", "お金は動いていません。6時を過ぎてからか、設定で夜間の利用を許してから、もう一度お試しください。",
		"Between 23:00 and 6:00 no money moves.", "No money moved. Try again after 6:00, or allow the night in the settings.")
	// ErrAmount: no whole amount above zero, or a day's limit below that of one charge.
	ErrAmount = problem.NewYourTurn(400, "pay-amount",
		"金額を、1円以上の整数で入れてください。", "お金は動いていません。1日の上限は、1回の上限より小さくできません。",
		"Enter a whole amount of at least ¥1.", "No money moved. A day's limit is not below that of one charge.")
	// ErrPayOnce: over the limit of a payment.
	ErrPayOnce = problem.NewRefused(403, "pay-limit-once",
		"1回の支払いの上限をこえています。", "お金は動いていません。",
		"This is over the limit of one payment.", "No money moved.")
	// ErrPayDay: over the day's limit of payments.
	ErrPayDay = problem.NewRefused(403, "pay-limit-day",
		"1日の支払いの上限をこえます。", "お金は動いていません。日付が変わると、また支払えます。",
		"This would be over the day's limit of payments.", "No money moved. After midnight there is a new day's limit.")
	// ErrChargeOnce: over the limit of a charge, the wallet's own or the mandate's.
	ErrChargeOnce = problem.NewRefused(403, "pay-charge-once",
		"1回のチャージの上限をこえています。", "お金は動いていません。",
		"This is over the limit of one charge.", "No money moved.")
	// ErrChargeDay: over the day's limit of charges, the wallet's own or the mandate's.
	ErrChargeDay = problem.NewRefused(403, "pay-charge-day",
		"1日のチャージの上限をこえます。", "お金は動いていません。日付が変わると、またチャージできます。",
		"This would be over the day's limit of charges.", "No money moved. After midnight there is a new day's limit.")
	// ErrFirstDay: over what the bank lets go in the first 24 hours of a mandate.
	ErrFirstDay = problem.NewRefused(403, "pay-charge-first",
		"口座をつないで24時間の上限をこえます。", "お金は動いていません。24時間たつと、ふつうの上限までチャージできます。",
		"This is over the limit of the first 24 hours of a linked account.", "No money moved. After 24 hours the ordinary limits hold.")
	// ErrBalance: the wallet would hold more than it may.
	ErrBalance = problem.NewRefused(403, "pay-balance",
		"残高の上限をこえます。", "お金は動いていません。",
		"The wallet would hold more than it may.", "No money moved.")
	// ErrFunds: the balance would go below zero.
	ErrFunds = problem.NewRefused(403, "pay-funds",
		"残高が足りません。", "お金は動いていません。チャージしてから、もう一度お試しください。",
		"There is not enough money in the wallet.", "No money moved. Charge the wallet and try again.")
	// ErrMandateOver: the mandate is not active, or its time is over.
	ErrMandateOver = problem.NewRefused(409, "pay-mandate-over",
		"この口座からは、もうチャージできません。", "口座のつながりが終わっています。お金は動いていません。口座の画面でつなぎ直せます。",
		"This account fills the wallet no more.", "The link is over. No money moved. You can link it again.")
	// ErrUnsettled: a charge waits for the bank's answer.
	ErrUnsettled = problem.NewYourTurn(409, "pay-unsettled",
		"銀行の答えを待っているチャージがあります。", "結果が分かってから、もう一度お試しください。",
		"A charge waits for the bank's answer.", "Try again when it is known.")
	// ErrMoney: a wallet with money in it does not close.
	ErrMoney = problem.NewYourTurn(409, "pay-money",
		"残高があるウォレットは、やめられません。", "残高を使い切ってから、もう一度お試しください。",
		"A wallet with money in it cannot be closed.", "Spend it first, then try again.")
	// ErrUnclear: the bank's answer to a charge is not clear yet. The charge is kept, and the bank
	// asked again under the same id until it is.
	ErrUnclear = problem.New(problem.CouldNotCheck, 503, "pay-charge-open",
		problem.Text{Title: "銀行の答えを、まだ確かめられません。", Detail: "同じチャージを、答えが分かるまで自動で確かめ続けます。もう一度チャージし直さないでください。2回引き落とされることはありません。"},
		problem.Text{Title: "The bank's answer is not known yet.", Detail: "The same charge is asked about until the answer is clear. Do not charge again. It is never taken twice."})
	// ErrLedger: the entries of a wallet do not add up. No money moves there any more.
	ErrLedger = problem.New(problem.OurFault, 500, "pay-ledger",
		problem.Text{Title: "残高の記録が合いません。", Detail: "このウォレットのお金は、調べ終わるまで動きません。"},
		problem.Text{Title: "The record of the balance does not add up.", Detail: "No money of this wallet moves until that is looked into."})
	// ErrLinkRefused: there is no link, and why is in the mandate.
	ErrLinkRefused = problem.NewRefused(403, "pay-link",
		"口座はつながっていません。", "お金は動いていません。",
		"No account was linked.", "No money moved.")
	// ErrBankLetter: what came is no letter of the bank's, or of something else than was asked.
	ErrBankLetter = problem.NewRefused(401, "pay-bank-letter",
		"銀行からの知らせとして認められません。", "何も変わっていません。",
		"This is no letter of the bank.", "Nothing was changed.")
	// ErrBankAnswer: the bank answered with something that cannot be used. Nothing was decided.
	ErrBankAnswer = problem.New(problem.CouldNotCheck, 502, "pay-bank-answer",
		problem.Text{Title: "銀行の答えを読み取れませんでした。", Detail: "口座はつながっていません。少し待って、もう一度お試しください。"},
		problem.Text{Title: "The bank's answer could not be read.", Detail: "Nothing was linked. Wait a moment and try again."})
	// ErrReturn: what came back from the bank is no answer to what this browser began.
	ErrReturn = problem.NewRefused(403, "pay-return",
		"このブラウザーで始めた手続きではありません。", "口座はつながっていません。口座の画面から、もう一度始めてください。",
		"This was not begun in this browser.", "No account was linked. Begin again at your accounts.")
	// ErrStale: a login that is older than what it is to allow.
	ErrStale = problem.NewYourTurn(403, "pay-login-again",
		"もう一度、スマートフォンで確認してください。", "守りをゆるめるには、あらためて本人の確認がいります。設定は変わっていません。",
		"Confirm with your phone once more.", "Taking a protection away needs a new login. Nothing was changed.")
	// ErrMoved: somebody else was first, or the same id names something else.
	ErrMoved = problem.NewRefused(409, "pay-moved",
		"ほかの画面で、先に進んでいます。", "最初の画面で、いまの状態を確かめてください。",
		"Another page was first.", "See how things stand at the start.")
	// ErrNotFound: there is no such thing of this wallet.
	ErrNotFound = problem.NewRefused(404, "pay-not-found",
		"見つかりません。", "最初の画面から、もう一度始めてください。",
		"There is no such thing here.", "Begin at the start.")
	// ErrDeclined: the person did not agree on the phone, or the time was over.
	ErrDeclined = problem.NewYourTurn(403, "pay-declined",
		"スマートフォンでの確認は、行われませんでした。", "何も変わっていません。断っていないのにここへ戻ったときは、理由がスマートフォンに出ています。そうでなければ、もう一度始められます。",
		"Nothing was confirmed on the phone.", "Nothing was changed. If you did not refuse, your phone says why not. Otherwise you can begin again.")
	// ErrAnswer: what the browser brought back answers nothing that it began here.
	ErrAnswer = problem.NewRefused(403, "pay-answer",
		"このブラウザーで始めた確認への回答ではありません。", "何も変わっていません。始めからやり直してください。",
		"This answers nothing that this browser began.", "Nothing was changed. Begin again.")
	// ErrFacts: not all of the four attributes were allowed.
	ErrFacts = problem.NewYourTurn(403, "pay-facts",
		"名前・住所・生年月日・性別の4つが必要です。", "ログアウトしてからもう一度ログインし、スマートフォンで4つとも「渡す」にしてください。何も変わっていません。",
		"It takes all four: name, address, date of birth and sex.", "Log out, log in again, and switch all four on at the phone. Nothing was changed.")
	// ErrBankFunds: the account has not so much.
	ErrBankFunds = problem.NewRefused(409, "pay-bank-funds",
		"銀行口座の残高が足りません。", "お金は動いていません。",
		"There is not enough money in the bank account.", "No money moved.")
	// ErrBankCooling: the account is a few days old, and the bank lets out little of it.
	ErrBankCooling = problem.NewRefused(409, "pay-bank-cooling",
		"口座を開いたばかりで、銀行の1日の上限をこえます。", "お金は動いていません。金額を小さくするか、口座を開いて8日が過ぎてからお試しください。",
		"The bank account is new, and this is over the bank's limit of a day.", "No money moved. Take less, or wait until it is 8 days old.")
	// ErrBankHeld: the account is on hold at the bank.
	ErrBankHeld = problem.NewRefused(409, "pay-bank-held",
		"口座が、銀行で止められています。", "お金は動いていません。銀行にログインして確かめてください。",
		"The account is on hold at the bank.", "No money moved. Log in at the bank and look.")
	// ErrBankRefused: the bank said no, for a reason that the wallet has no words for.
	ErrBankRefused = problem.NewRefused(409, "pay-bank-refused",
		"銀行は、受け付けませんでした。", "お金は動いていません。",
		"The bank did not accept it.", "No money moved.")
	// ErrTillCode: not the till's code. A wrong one was counted before it was compared.
	ErrTillCode = problem.NewYourTurn(403, "pay-till-code",
		"レジのコードが違います。", "8けたの数字です。続けて5回まちがえると、15分間、受け付けません。レジには入っていません。",
		"This is not the till's code.", "It has eight digits. After five wrong ones in a row none is taken for 15 minutes. Nobody was signed in.")
	// ErrTillLocked: too many wrong codes in a row, of this browser if it was signed in there
	// before, else of all that were not. Whoever is signed in stays so.
	ErrTillLocked = problem.NewRefused(429, "pay-till-locked",
		"まちがいが続いたので、このレジのコードを15分間、受け付けません。", "すでに入っている画面は、そのまま使えます。心当たりがないときは、てがたペイの窓口へ連絡してください。",
		"Too many wrong codes: this till takes none for 15 minutes.", "Whoever is signed in stays so. If this was not you, tell the wallet's office.")
	// ErrTillForm: what came is not from a page of this sign-in.
	ErrTillForm = problem.NewYourTurn(403, "pay-till-form",
		"このレジの画面からの操作ではありません。", "お金は動いていません。レジの画面を開き直して、もう一度操作してください。",
		"This does not come from this till's own page.", "No money moved. Open the till's page anew and try again.")
	// ErrRefundUnpaid: nothing was paid that could be given back, or all of it was.
	ErrRefundUnpaid = problem.NewRefused(409, "pay-refund-unpaid",
		"この会計に、返せるお金はありません。", "お金は動いていません。支払われていないか、もう全額を返しています。",
		"There is nothing to give back of this sale.", "No money moved. It was not paid, or all of it was given back.")
	// ErrRefundOver: more than is left of the sale.
	ErrRefundOver = problem.NewYourTurn(409, "pay-refund-over",
		"支払われた額より多くは返せません。", "お金は動いていません。残りの額を確かめてください。ほかのレジで返したばかりかもしれません。",
		"More than was paid cannot be given back.", "No money moved. See how much is left: another till may just have given back.")
	// ErrRefundLate: the sale is too long ago.
	ErrRefundLate = problem.NewRefused(403, "pay-refund-late",
		"90日より前の会計は、レジから返せません。", "お金は動いていません。",
		"A sale of more than 90 days ago is not given back at a till.", "No money moved.")
	// ErrRefundWallet: the wallet that paid takes nothing any more. The shop is not told why.
	ErrRefundWallet = problem.NewRefused(409, "pay-refund-wallet",
		"お客さまのウォレットには返せませんでした。", "お金は動いていません。お店で、ほかの方法で返してください。",
		"The customer's wallet could not take it.", "No money moved. Give it back another way.")
	// ErrProvider: the provider refused this wallet, or gave no usable answer.
	ErrProvider = problem.New(problem.CouldNotCheck, 502, "pay-provider",
		problem.Text{Title: "確認の窓口が、依頼を受け付けませんでした。", Detail: "何も変わっていません。少し待って、もう一度お試しください。"},
		problem.Text{Title: "The login desk did not take the request.", Detail: "Nothing was changed. Wait a moment and try again."})
)
