"""The Telegram channel: `updates` reads what people do, `render` draws answers, `client` holds aiogram, `channel` joins them.

Polling: an update is confirmed by asking for the next one, which happens only once its events are stored. Webhook: with
TELEGRAM_WEBHOOK_URL and TELEGRAM_WEBHOOK_SECRET set; 200 only after the store. Either way an update may come twice: the
same act has the same id, and the bus stores it once.

Sending to Telegram is not idempotent and nothing can be looked up afterwards: a send whose reply was lost is sent once more,
marked as a possible repeat, or dropped (`ambiguous` in the assistant file). Edits are idempotent and simply done again.
"""
