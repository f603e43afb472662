/* Names for what the admin's own widgets leave without one, so that a screen reader can say what they are. */
'use strict';

{
    const labelOf = element => {
        const row = element.closest('.form-row, td, .fieldBox') ?? element.parentElement;
        const select = row.querySelector('select[data-autocomplete-light-function], select.admin-autocomplete, select');
        const label = select && document.querySelector(`label[for="${select.id}"]`);
        return label ? label.textContent.replace(/:\s*$/, '').trim() : (row.dataset.label ?? '');
    };

    const nameAutocompletes = () => {
        for (const selection of document.querySelectorAll('.select2-selection')) {
            const name = labelOf(selection);
            for (const part of [selection, ...selection.querySelectorAll('[role=textbox], .select2-search__field')]) {
                if (name && !part.hasAttribute('aria-label')) {
                    part.removeAttribute('aria-labelledby');
                    part.setAttribute('aria-label', name);
                }
            }
            for (const part of selection.querySelectorAll('ul > span')) {
                part.setAttribute('role', 'listitem');
            }
        }
    };

    window.addEventListener('load', () => {
        for (const help of document.querySelectorAll('span.help-tooltip[aria-label]')) {
            help.setAttribute('role', 'img');
        }
        nameAutocompletes();
        new MutationObserver(nameAutocompletes).observe(document.body, {childList: true, subtree: true});
    });
}
