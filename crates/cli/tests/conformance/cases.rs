//! A test for each folder of `cases/`.

use crate::case::check;

macro_rules! cases {
    ($($name:ident,)*) => {
        /// The names of all cases.
        pub(crate) const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                check(stringify!($name));
            }
        )*
    };
}

cases! {
    i01_i02_init,
    p01_compile_time_configuration_that_differs,
    p02_p03_p04_p05_p06_p07_configuration_at_boot,
    p08_the_configuration_is_pruned,
    p09_a_system_that_reboots_validates,
    p10_without_a_reboot_kernel_stays_as_it_is,
    r01_r02_r06_r23_r27_plain_project,
    r03_overrides,
    r04_r05_version_of_an_application,
    r07_erts_is_no_application,
    r08_r09_r10_r11_r12_choice,
    r13_r14_x08_where_applications_are_found,
    r15_unknown_application,
    r16_r17_r18_version_and_name,
    r19_steps,
    r20_r21_r22_umbrella,
    r24_r25_r26_modes,
    r28_r29_erts,
    r30_r31_boot_scripts,
    r32_r33_r38_modes_that_are_allowed,
    r34_r35_r36_r37_modes_that_are_refused,
    r39_r40_r41_r42_cookie,
    r43_r44_r45_plain_configuration,
    r46_r47_r48_configuration_with_providers,
    r49_values_that_no_file_can_hold,
    r50_r51_erts_is_copied,
    r52_r53_r54_stripping,
    r55_r56_included_applications,
    r57_optional_applications,
    r58_optional_applications_of_a_stronger_mode,
    t01_t02_templates,
    t03_overlays,
    t04_custom_steps,
    t05_executables,
    t05_windows_command_is_that_of_mix,
    t06_i03_wrong_arguments,
    t07_x06_tarball,
    t08_t09_tarball_without_erts,
    t10_a_release_with_erts_boots,
    t11_a_release_that_reboots,
    t12_no_distribution,
    t13_without_erts,
    t14_t15_p01_compile_time_configuration,
    t17_arguments_of_eval,
    t17_version_and_eval,
    t19_x02_an_existing_release,
    t20_t21_links_to_the_command,
    x03_x04_the_command,
    x05_an_application_resource_that_is_not_ascii,
    x12_duplicates,
    x13_a_module_that_is_missing,
}
