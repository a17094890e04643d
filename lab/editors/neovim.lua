-- The language server in Neovim, as `vmlock editor-setup neovim` sets it up:
--
--   nvim -u NONE -i NONE -n -l neovim.lua SETTINGS
--
-- in a folder of its own, with `vmlock` on the path. Each problem is a line of stdout, and the last line says how much was
-- checked.

local problems, checked = {}, 0
-- How long one thing may take; a server on a busy machine answers within a second.
local LIMIT = 60000

local function holds(what, so, found)
  checked = checked + 1
  if not so then
    local words = found == nil and "" or ": " .. vim.inspect(found):gsub("%s+", " "):sub(1, 600)
    table.insert(problems, what .. words)
  end
end

local function ended()
  for _, problem in ipairs(problems) do
    io.stdout:write((problem:gsub("\n", " ")), "\n")
  end
  io.stdout:write(checked, " checked, ", #problems, " problems\n")
  io.stdout:flush()
  os.exit(#problems == 0 and 0 or 1)
end

local TEXT = [[
// 🦀 a machine
vm "web" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu
        set "ID_AA64ISAR0_EL1.RNDR" 0
    }
    memory "512MiB"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
]]

local function lines(text)
  return vim.split((text:gsub("\n$", "")), "\n")
end

-- Where a word stands: row and column in bytes, both from 0.
local function at(word)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(word, 1, true)
    if column then
      return row - 1, column - 1
    end
  end
  error("there is no " .. word)
end

-- Puts the cursor on a word and asks.
local function ask(method, word, more)
  local row, column = at(word)
  vim.api.nvim_win_set_cursor(0, { row + 1, column + 1 })
  local client = vim.lsp.get_clients({ bufnr = 0 })[1]
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding)
  local answers, late = vim.lsp.buf_request_sync(0, method, vim.tbl_extend("force", params, more or {}), LIMIT)
  local answer = answers and answers[client.id]
  holds(method .. " is answered", answer and not answer.err, { answers, late })
  return answer and answer.result, client
end

local function conversation()
  vim.cmd("filetype on")
  dofile(arg[1])
  vim.fn.writefile(lines(TEXT), "web.vm.kdl")
  vim.cmd.edit("web.vm.kdl")
  holds("a description is KDL", vim.bo.filetype == "kdl", vim.bo.filetype)
  local attached = vim.wait(LIMIT, function()
    local client = vim.lsp.get_clients({ bufnr = 0 })[1]
    return client and client.initialized
  end, 20)
  holds("the server is started", attached)
  if not attached then
    return
  end

  -- Nothing is wrong with it; hints come of the lock that it would make.
  local hints = vim.wait(LIMIT, function()
    return #vim.lsp.inlay_hint.get({ bufnr = 0 }) > 0
  end, 20)
  local shown = vim.lsp.inlay_hint.get({ bufnr = 0 })
  holds("hints are shown", hints and vim.inspect(shown):find("PSCI 1.1", 1, true), shown)
  holds("a good text has no findings", #vim.diagnostic.get(0) == 0, vim.diagnostic.get(0))

  -- A mistake behind an emoji, typed.
  local row, column = at("memory")
  vim.api.nvim_buf_set_text(0, row, column, row, column + 6, { "/* 🦀 */ memroy" })
  local found = vim.wait(LIMIT, function()
    return #vim.diagnostic.get(0) == 1
  end, 20)
  local diagnostics = vim.diagnostic.get(0)
  holds("a mistake is found", found, diagnostics)
  if found then
    local _, where = at("memroy")
    holds("where it is", diagnostics[1].lnum == row and diagnostics[1].col == where, diagnostics)
    holds("with its code", diagnostics[1].code == "spec::unknown-node", diagnostics)
    local range = { start = { line = row, character = 0 }, ["end"] = { line = row + 1, character = 0 } }
    local actions, client = ask("textDocument/codeAction", "memroy", { range = range, context = { diagnostics = {}, only = { "quickfix" } } })
    holds("a suggestion is offered", actions and #actions > 0, actions)
    if actions and actions[1] then
      vim.lsp.util.apply_workspace_edit(actions[1].edit, client.offset_encoding)
    end
    local mended = vim.wait(LIMIT, function()
      return #vim.diagnostic.get(0) == 0
    end, 20)
    holds("it mends the mistake", mended and at("/* 🦀 */ memory"), vim.diagnostic.get(0))
  end

  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines((TEXT:gsub("    ", "\t"))))
  vim.lsp.buf.format({ timeout_ms = LIMIT })
  local text = table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n") .. "\n"
  holds("the text is laid out", text == TEXT, text)

  local hover = ask("textDocument/hover", "neoverse-n1")
  holds("a model is explained", hover and vim.inspect(hover.contents):find("Neoverse", 1, true), hover)
  local items = ask("textDocument/completion", "kvm-6.8")
  holds("baselines are offered", items and vim.inspect(items):find("kvm-6.12", 1, true), items and #items)
  local symbols = ask("textDocument/documentSymbol", "vm \"web\"")
  holds("symbols are told", symbols and symbols[1].name == "vm" and #symbols[1].children == 5, symbols)
  local place = ask("textDocument/definition", "kvm-6.8")
  place = place and (place[1] or place)
  holds("a baseline leads to its text", place and place.uri:find("kvm%-6%.8%.kdl$"), place)
  local edit, client = ask("textDocument/rename", "\"web\"", { newName = "db" })
  if edit then
    vim.lsp.util.apply_workspace_edit(edit, client.offset_encoding)
  end
  holds("the machine has another name", vim.api.nvim_buf_get_lines(0, 1, 2, false)[1] == 'vm "db" {')

  vim.lsp.stop_client(vim.lsp.get_clients())
  local gone = vim.wait(LIMIT, function()
    return #vim.lsp.get_clients() == 0
  end, 20)
  holds("the server ends", gone)
end

local fine, why = xpcall(conversation, debug.traceback)
if not fine then
  table.insert(problems, "the conversation broke off: " .. tostring(why))
end
ended()
