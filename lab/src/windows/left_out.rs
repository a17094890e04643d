//! Tests that are not tried on Windows, by name, each under the reason.

/// The reasons, and the tests as the harness calls them.
pub const LEFT_OUT: &[(&str, &[&str])] = &[
    (
        "git is not there, and its drivers are called by a shell",
        &[
            "git::a_conflict_says_why_and_is_no_lock",
            "git::a_default_driver_of_ones_own_is_not_taken_for_gits",
            "git::a_digest_that_both_sides_changed_is_asked_for",
            "git::a_renamed_machine_is_found_by_its_lock",
            "git::a_submodule_is_a_repository_of_its_own",
            "git::a_user_sets_up_all_repositories_without_a_change_in_any",
            "git::a_work_tree_beside_and_one_that_is_none_merge_alike",
            "git::all_machines_of_a_file_are_resolved_again",
            "git::diffs_speak_of_fields",
            "git::imported_files_are_merged_first",
            "git::rebase_cherry_pick_and_revert_resolve_again",
            "git::setup_comes_twice_and_goes_again",
            "git::what_a_file_holds_that_nobody_booted_is_no_guess",
            "git::what_both_sides_changed_is_resolved_again",
            "git::what_does_not_fit_together_is_a_conflict",
            "git::what_is_not_certain_is_a_conflict",
            "git::what_is_pulled_and_squashed_is_resolved_again",
            "git::where_git_does_not_say_what_it_merges_nothing_is_guessed",
        ],
    ),
    (
        "bash, fish and zsh are not there",
        &[
            "completions::bash_completes_names_and_files",
            "completions::fish_completes_names_and_files",
            "completions::zsh_completes_names_and_files",
        ],
    ),
    (
        "the script is for bash or /bin/sh",
        &[
            "ci::the_action_holds_locks_to_their_descriptions",
            "labels::the_unit_removes_what_is_of_another_boot",
            "labels::what_is_to_be_pasted_is_quoted",
            "shell::tests::a_shell_reads_one_word_and_runs_nothing",
        ],
    ),
    (
        "the program behind the door is a script of a shell, or an ELF file; `windows::the_program_behind_the_door_ends_with_its_own_code` is in its place",
        &[
            "door::a_program_for_another_machine_is_named_as_one",
            "door::the_program_beside_comes_first_and_then_those_in_path",
        ],
    ),
    (
        "signals are Unix's: Ctrl-C was never tried on Windows",
        &[
            "interrupts::a_second_signal_waits_for_nothing_and_the_same_one_sent_twice_is_one",
            "interrupts::a_signal_amid_many_locks_leaves_each_whole_or_away",
            "interrupts::ctrl_c_ends_a_fleet_and_takes_its_line_away",
            "interrupts::what_is_ignored_stays_ignored",
        ],
    ),
    (
        "a terminal is made by a pseudo-terminal of Unix",
        &[
            "init::a_terminal_is_asked",
            "terminal::text_ends_where_the_terminal_does_and_colours_are_those_it_has",
        ],
    ),
    (
        "pipes with names and devices that have metadata are Unix's; `windows::devices_are_no_files` is in their place",
        &[
            "lsp::actions::tests::a_device_s_digest_of_another_time_is_not_taken",
            "streams::a_result_that_cannot_be_written_is_no_success",
            "streams::what_is_no_regular_file_is_told_of_at_once",
            "tests::a_pipe_is_written_to",
        ],
    ),
    (
        "modes, owners and limits of a process are Unix's; `windows::what_is_marked_as_read_only_stays_and_is_told_of` is in their place",
        &[
            "written::a_folder_that_cannot_be_read_takes_a_lock",
            "written::adopt_leaves_both_of_its_files_or_none",
            "written::nothing_is_called_written_that_was_not",
        ],
    ),
    (
        "only some users of Windows may make symbolic links, and modes are Unix's",
        &[
            "tests::a_link_to_nothing_yet_is_written_through",
            "tests::mode_and_link_stay",
            "tests::nor_is_a_link_to_nothing",
        ],
    ),
];
