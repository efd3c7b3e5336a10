// The pages of the example applications in a real browser, as their visitors use them.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBrowser, startServer } from "./server.mjs";

let browser;
const servers = [];

before(async () => {
	browser = await startBrowser();
});
after(async () => {
	await browser?.close();
	for (const server of servers) await server.stop();
});

async function served(name) {
	const server = await startServer(`${name}:app`, {
		options: ["--mount", `${name}:site`],
		folder: `examples/${name}`,
	});
	servers.push(server);
	return server;
}

/** A window of its own: nothing is shared with the others. */
async function opened(url, options) {
	const page = await (await browser.newContext(options)).newPage();
	const faults = [];
	page.on("pageerror", (error) => faults.push(error.message));
	await page.goto(url);
	return { page, faults };
}

async function shot(page, name) {
	if (process.env.SHOTS)
		await page.screenshot({ path: `${process.env.SHOTS}/${name}.png` });
}

test("who logs in speaks, and a moderator mutes and removes", async () => {
	const { url } = await served("moderated");
	const enter = async (name, password) => {
		const window = await opened(url);
		await window.page.fill("[name=name]", name);
		await window.page.fill("[name=password]", password);
		await window.page.click("text=log in");
		return window;
	};
	const stranger = await enter("ann", "wrong");
	await stranger.page.waitForSelector(
		"#note:has-text('no such name and password')",
	);
	const ann = await enter("ann", "tea");
	const bob = await enter("bob", "milk");
	await ann.page.waitForSelector("#here:has-text('bob')");
	const say = async ({ page }, text) => {
		await page.fill("[name=text]", text);
		await page.click("#say button");
	};
	await say(bob, "<b>milk?</b>");
	await ann.page.waitForSelector("#log :text('bob: <b>milk?</b>')");
	const act = async (what) => {
		await ann.page.fill("[name=user]", "bob");
		await ann.page.click(`#act button[value=${what}]`);
	};
	await act("mute");
	await bob.page.waitForSelector("#log :text('bob was muted by ann')");
	await say(bob, "why?");
	await bob.page.waitForSelector("#note:has-text('you may speak again')");
	await shot(ann.page, "moderated");
	await act("remove");
	await ann.page.waitForSelector("#log :text('bob was removed by ann')");
	await say(bob, "why?");
	await bob.page.waitForSelector(
		"#note:has-text('join the room before you speak in it')",
	);
	assert.deepEqual([ann.faults, bob.faults, stranger.faults], [[], [], []]);
});

test("fifty machines move, and an order is seen by everybody", async () => {
	const { url } = await served("fifty");
	const one = await opened(url);
	const other = await opened(url, { colorScheme: "dark" });
	for (const { page } of [one, other]) {
		await page.waitForFunction(
			() => document.querySelectorAll("#grid button").length === 50,
		);
		await page.waitForFunction(() =>
			[...document.querySelectorAll("meter")].every((meter) => meter.value > 0),
		);
	}
	await shot(other.page, "fifty");
	await other.page.evaluate(() => {
		window.seen = [];
		const text = document.querySelectorAll("#grid button span")[7];
		new MutationObserver(() => window.seen.push(text.textContent)).observe(
			text,
			{ childList: true },
		);
	});
	await one.page.click("#grid button:nth-child(8)");
	await other.page.waitForFunction(() => window.seen.includes("restart"));
	assert.deepEqual([one.faults, other.faults], [[], []]);
});
