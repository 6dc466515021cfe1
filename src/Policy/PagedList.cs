namespace Bulkhead.Policy;

/// <summary>
/// An immutable list of default values but for those that were set. A version shares with its predecessor every page that it did not
/// change; reading costs two array accesses.
/// </summary>
internal sealed class PagedList<T>
{
    private const int PageBits = 7;
    private const int PageSize = 1 << PageBits;

    private readonly T?[]?[] _pages;

    private PagedList(T?[]?[] pages) => _pages = pages;

    /// <summary>Nothing set.</summary>
    public static PagedList<T> Empty { get; } = new([]);

    /// <summary>The value at an index, which may lie beyond all that were set.</summary>
    public T? this[int index] => (index >> PageBits) < _pages.Length && _pages[index >> PageBits] is { } page ? page[index & (PageSize - 1)] : default;

    /// <summary>Prepares a next version.</summary>
    public Builder Change() => new(_pages);

    /// <summary>A version in the making; for one thread.</summary>
    public sealed class Builder(T?[]?[] pages)
    {
        private T?[]?[] _pages = pages;
        private bool[] _own = [];

        /// <summary>The value at an index.</summary>
        public T? this[int index]
        {
            get => (index >> PageBits) < _pages.Length && _pages[index >> PageBits] is { } page ? page[index & (PageSize - 1)] : default;
            set
            {
                var at = index >> PageBits;
                if (_own.Length == 0 || at >= _pages.Length)
                {
                    Grow(at);
                }

                if (!_own[at])
                {
                    _pages[at] = _pages[at] is { } shared ? shared.AsSpan().ToArray() : new T?[PageSize];
                    _own[at] = true;
                }

                _pages[at]![index & (PageSize - 1)] = value;
            }
        }

        /// <summary>The version; the builder must not be used any more.</summary>
        public PagedList<T> Done() => new(_pages);

        private void Grow(int page)
        {
            var length = page < _pages.Length ? _pages.Length : Math.Max(page + 1, _pages.Length + (_pages.Length / 2));
            var pages = new T?[]?[length];
            _pages.CopyTo(pages, 0);
            var own = new bool[length];
            _own.CopyTo(own, 0);
            (_pages, _own) = (pages, own);
        }
    }
}
